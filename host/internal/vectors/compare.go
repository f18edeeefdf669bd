package vectors

import (
	"bytes"
	"fmt"
	"math"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Compare says how an answer differs from the one that a vector has, as an error. The two are compared as
// abi.VectorsSection describes.
func Compare(v *abi.Vector, answer []byte) error {
	if bytes.Equal(answer, v.Output) {
		return nil
	}
	if v.Export == abi.ExportScore {
		var got, want abi.ScoreOutput
		if got.Decode(answer) == nil && want.Decode(v.Output) == nil {
			return compareScores(&got, &want)
		}
	}
	at := 0
	for at < min(len(answer), len(v.Output)) && answer[at] == v.Output[at] {
		at++
	}
	return fmt.Errorf("%s differs at byte %d: it answers %s, the vector has %s", v.Export, at, excerpt(answer, at), excerpt(v.Output, at))
}

func compareScores(got, want *abi.ScoreOutput) error {
	if len(got.Scores) != len(want.Scores) {
		return fmt.Errorf("%s differs: it gives %d scores, the vector has %d", abi.ExportScore, len(got.Scores), len(want.Scores))
	}
	for i, a := range got.Scores {
		if b := want.Scores[i]; a != b && !(math.IsNaN(a) && math.IsNaN(b)) {
			return fmt.Errorf("%s differs: score %d is %v, the vector has %v", abi.ExportScore, i, a, b)
		}
	}
	for _, f := range []struct {
		name      string
		got, want any
	}{
		{"directives", got.Directives, want.Directives},
		{"hedge_after_ms", got.HedgeAfterMS, want.HedgeAfterMS},
		{"attempt_timeout_ms", got.AttemptTimeoutMS, want.AttemptTimeoutMS},
		{"first_token_timeout_ms", got.FirstTokenTimeoutMS, want.FirstTokenTimeoutMS},
		{"reject_status", got.RejectStatus, want.RejectStatus},
		{"reject_code", got.RejectCode, want.RejectCode},
		{"reason", got.Reason, want.Reason},
	} {
		if f.got != f.want {
			return fmt.Errorf("%s differs: %s is %#v, the vector has %#v", abi.ExportScore, f.name, f.got, f.want)
		}
	}
	return nil
}

// Of an answer that differs, so many bytes are shown: a few from before the first that does, to find the place by.
const (
	shownBefore = 12
	shown       = 48
)

func excerpt(b []byte, at int) string {
	part := b[max(0, at-shownBefore):]
	part = part[:min(len(part), shown)]
	return fmt.Sprintf("%q (%d bytes in all)", part, len(b))
}
