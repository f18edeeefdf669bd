package policies

import (
	"math/rand/v2"
	"testing"
)

// TestFuelBuckets puts fuel into buckets whose middle is within an eighth of it.
func TestFuelBuckets(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 1))
	last := 0
	for n := range uint64(5000) {
		bucket := fuelBucket(n)
		if bucket < last {
			t.Fatalf("%d is in bucket %d, one less in %d", n, bucket, last)
		}
		last = bucket
	}
	for range 100_000 {
		fuel := random.Uint64() >> (24 + random.IntN(40))
		middle := fuelOf(fuelBucket(fuel))
		if off := max(middle, fuel) - min(middle, fuel); 8*off > fuel {
			t.Fatalf("%d is taken for %d", fuel, middle)
		}
	}
	if fuelBucket(1<<63) != fuelBuckets-1 {
		t.Error("fuel beyond all buckets")
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	var f figuresOf
	for n := range uint64(101) {
		f.called(1000+10*n, nil)
	}
	f.called(0, nil) // nobody was asked
	got := f.figures()
	if got.Calls != 102 || got.Fuel.Max != 2000 || got.Fuel.Total != 101*1500 || got.Fuel.Median < 1313 || got.Fuel.Median > 1687 {
		t.Errorf("%+v", got)
	}
}
