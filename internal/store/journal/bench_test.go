package journal

import (
	"bytes"
	"testing"
)

func BenchmarkAppend(b *testing.B) {
	rec := bytes.Repeat([]byte("r"), 180)
	for name, o := range map[string]Options{"interval": {MaxBytes: 1 << 40}, "always": {MaxBytes: 1 << 40, SyncAlways: true}} {
		b.Run(name, func(b *testing.B) {
			j, err := Open(b.TempDir(), o)
			if err != nil {
				b.Fatal(err)
			}
			defer closing(b, j)
			b.ReportAllocs()
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := j.Append(rec); err != nil {
						b.Error(err)
					}
				}
			})
			s := j.Stats()
			b.ReportMetric(float64(s.Appended)/float64(s.Writes), "records/write")
		})
	}
}

func BenchmarkAppendAlone(b *testing.B) {
	j, err := Open(b.TempDir(), Options{MaxBytes: 1 << 40})
	if err != nil {
		b.Fatal(err)
	}
	defer closing(b, j)
	rec := bytes.Repeat([]byte("r"), 180)
	b.ReportAllocs()
	for b.Loop() {
		if err := j.Append(rec); err != nil {
			b.Fatal(err)
		}
	}
}

func TestAppendDoesNotAllocate(t *testing.T) {
	j := openTest(t, t.TempDir(), Options{})
	rec := bytes.Repeat([]byte("r"), 180)
	put(t, j, string(rec))
	if n := testing.AllocsPerRun(1000, func() {
		if err := j.Append(rec); err != nil {
			t.Error(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations an append", n)
	}
}
