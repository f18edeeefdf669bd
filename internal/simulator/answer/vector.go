package answer

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"

	"github.com/switchyard-gateway/switchyard/internal/simulator/seed"
)

// UnitVector fills v with a vector of length 1.
func UnitVector(v []float32, r seed.Random) {
	sum := 0.0
	for i := range v {
		f := 2*r.Float() - 1
		v[i] = float32(f)
		sum += f * f
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(sum))
	}
}

// AppendVector renders a vector as an array of numbers or as base64 of little-endian float32.
func AppendVector(dst []byte, v []float32, format string) []byte {
	if format == "base64" {
		raw := make([]byte, 0, 4*len(v))
		for _, f := range v {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(f))
		}
		dst = base64.StdEncoding.AppendEncode(append(dst, '"'), raw)
		return append(dst, '"')
	}
	dst = append(dst, '[')
	for i, f := range v {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendFloat(dst, float64(f), 'g', 8, 32)
	}
	return append(dst, ']')
}
