package jsonraw_test

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
)

// TestOpen writes the same with constants as with calls for each bracket, also deeper than one word of the Writer's holds.
func TestOpen(t *testing.T) {
	t.Parallel()
	for _, depth := range []int{1, 2, 63, 64, 65, 130} {
		var w, want jsonraw.Writer
		for range depth {
			w.Open(`{"a":[`)
			w.Int(1)
			want.Object()
			want.Key("a")
			want.Array()
			want.Int(1)
		}
		for range depth {
			w.Close(`],"b":2}`)
			want.End()
			want.Literal(`"b":2`)
			want.End()
		}
		w.Int(3)
		want.Int(3)
		if string(w.Buf) != string(want.Buf) {
			t.Errorf("%d deep: %s, want %s", depth, w.Buf, want.Buf)
		}
	}
}

func TestWriter(t *testing.T) {
	t.Parallel()
	w := jsonraw.Writer{Buf: []byte("data: ")}
	w.Object()
	w.Key("model")
	w.String("a\"b")
	w.Key(`odd "key"`)
	w.Bytes([]byte("\n"))
	w.Member("n", jsonraw.Value("1.50"))
	w.Member("absent", nil)
	w.Literal(`"x":1,"y":2`)
	w.RawKey(jsonraw.Value(`"\u006b"`))
	w.Raw(jsonraw.Value(`[ ]`))
	w.Key("list")
	w.Array()
	w.Int(math.MinInt64)
	w.Float(0.1)
	w.Float(1e21)
	w.Float(math.Inf(1))
	w.Bool(true)
	w.Null()
	w.Array()
	w.End()
	w.Object()
	w.End()
	w.Joined("-", jsonraw.Value(`"a"`), jsonraw.Value(`"b"`))
	w.OpenString()
	w.Inner(jsonraw.Value(`"c\n"`))
	w.Escape("d\"")
	w.CloseString()
	w.Quoted(jsonraw.Value(`{"e": 1}`))
	if err := w.Unquoted(jsonraw.Value(`"{\"f\": 1}"`)); err != nil {
		t.Error(err)
	}
	if err := w.Unquoted(jsonraw.Value(`""`)); !errors.Is(err, jsonraw.ErrBlank) {
		t.Errorf("error %v", err)
	}
	w.Int(7)
	w.End()
	w.Key("end")
	w.Object()
	w.Key("z")
	w.Int(0)
	w.End()
	w.End()
	w.End() // nothing is open: does nothing
	w.Literal("\n")
	w.Array()
	w.End()
	const want = `data: {"model":"a\"b","odd \"key\"":"\n","n":1.50,"x":1,"y":2,"\u006b":[ ],"list":[-9223372036854775808,0.1,1e+21,null,true,null,` +
		`[],{},"a-b","c\nd\"","{\"e\":1}",{"f":1},7],"end":{"z":0}}` + "\n[]"
	if string(w.Buf) != want {
		t.Errorf("got\n%s\nwant\n%s", w.Buf, want)
	}
}

func TestWriterDepth(t *testing.T) {
	t.Parallel()
	const depth = 200 // over several words of 64
	var w jsonraw.Writer
	var want strings.Builder
	for i := range depth {
		if i%3 == 0 {
			w.Array()
			w.Int(1)
			want.WriteString("[1,")
			continue
		}
		w.Object()
		w.Key("k")
		want.WriteString(`{"k":`)
	}
	w.Null()
	want.WriteString("null")
	for i := depth - 1; i >= 0; i-- {
		w.End()
		if i%3 == 0 {
			want.WriteByte(']')
		} else {
			want.WriteByte('}')
		}
	}
	if string(w.Buf) != want.String() {
		t.Errorf("got\n%s\nwant\n%s", w.Buf, want.String())
	}
}

func TestFloatLikeEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, f := range []float64{0, math.Copysign(0, -1), 1, -1.5, 0.1, 1e20, 1e21, -1e22, 1e-6, 9.9e-7, 1e-7, 1e-10, math.MaxFloat64, math.SmallestNonzeroFloat64} {
		want, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		var w jsonraw.Writer
		w.Float(f)
		if string(w.Buf) != string(want) {
			t.Errorf("Float(%v) wrote %s, want %s", f, w.Buf, want)
		}
	}
}

func TestAppendUint(t *testing.T) {
	t.Parallel()
	power := uint64(1)
	for shift := range 64 {
		power *= 10 // of ten, until it is too large
		for _, n := range []uint64{power, power - 1, 1<<shift - 1, 1 << shift, math.MaxUint64 >> shift, math.MaxUint64 / 3 >> shift} {
			if got, want := string(jsonraw.AppendUint([]byte("x"), n)), "x"+strconv.FormatUint(n, 10); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
	}
}
