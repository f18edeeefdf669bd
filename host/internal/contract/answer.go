package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/switchyard-gateway/switchyard/host/internal/guestlog"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Reply looks at the error of a Decode: a refusal that is in order is passed on, the rest is a fault.
func Reply(err error) error {
	r, ok := errors.AsType[*abi.Refusal](err)
	if !ok {
		return fmt.Errorf("its output can't be decoded: %w", err)
	}
	if err := refusal(r); err != nil {
		return err
	}
	return r
}

// What ends up in a request's head is short; a plugin that gives more than these many bytes is broken.
const (
	maxURL     = 8 << 10 // path and query
	maxName    = 256
	maxHeaders = 64 << 10
)

// refusal says what is wrong with a refusal.
func refusal(r *abi.Refusal) error {
	switch {
	case r.Status < 400 || r.Status > 599:
		return fmt.Errorf("its refusal has status %d, which is no error", r.Status)
	case r.Class > abi.ClassOther:
		return fmt.Errorf("its refusal has the unknown class %d", r.Class)
	case r.Kind > abi.ErrorBadResponse:
		return fmt.Errorf("its refusal has the unknown kind %d", r.Kind)
	}
	return nil
}

// Request says what is wrong with a provider's answer to in.
func Request(in *abi.RequestInput, out *abi.RequestOutput) error {
	switch {
	case out.RequestMode > abi.ModePassthrough:
		return fmt.Errorf("its request mode %d is unknown", out.RequestMode)
	case out.ResponseMode > abi.ModePassthrough:
		return fmt.Errorf("its response mode %d is unknown", out.ResponseMode)
	case out.Auth > abi.AuthAzure:
		return fmt.Errorf("its auth scheme %d is unknown", out.Auth)
	case out.Framing > abi.FramingEventStream:
		return fmt.Errorf("its framing %d is unknown", out.Framing)
	case len(out.Path)+len(out.Query) > maxURL:
		return fmt.Errorf("its path and query have %d bytes, the limit is %d", len(out.Path)+len(out.Query), maxURL)
	case len(out.AuthName) > maxName:
		return fmt.Errorf("its auth name has %d bytes, the limit is %d", len(out.AuthName), maxName)
	case len(out.Headers) > maxHeaders:
		return fmt.Errorf("its headers have %d bytes, the limit is %d", len(out.Headers), maxHeaders)
	case len(out.Path) == 0 || out.Path[0] != '/':
		return fmt.Errorf("its path %q does not start with a slash", out.Path)
	case !printable(out.Path) || bytes.ContainsAny(out.Path, "?#"):
		return fmt.Errorf("its path %q has characters that a path can't have", out.Path)
	case !printable(out.Query) || bytes.ContainsAny(out.Query, "?#"):
		return fmt.Errorf("its query has characters that a query can't have")
	case (out.Auth == abi.AuthHeader || out.Auth == abi.AuthQuery || out.Auth == abi.AuthSigV4) && len(out.AuthName) == 0:
		return fmt.Errorf("its auth scheme %d needs a name", out.Auth)
	case !printable(out.AuthName):
		return fmt.Errorf("its auth name %q has characters that a name can't have", out.AuthName)
	case !out.Headers.Valid():
		return errors.New("its headers can't be decoded")
	case !out.Edits.Valid():
		return errors.New("its edits can't be decoded")
	case !namesValid(out.Dropped):
		return errors.New("its dropped names can't be decoded")
	case len(out.State) > abi.MaxState:
		return fmt.Errorf("its state has %d bytes, the limit is %d", len(out.State), abi.MaxState)
	case out.RequestMode == abi.ModePassthrough && len(out.Body) > 0:
		return fmt.Errorf("it answers passthrough with a body of %d bytes", len(out.Body))
	case out.RequestMode == abi.ModeTranslate && len(out.Edits) > 0:
		return errors.New("it answers edits without passthrough")
	case out.RequestMode == abi.ModeTranslate && in.Flags&abi.FlagBodyWithheld != 0:
		return errors.New("its description claims passthrough for this dialect, but it did not answer with edits")
	}
	for ed := range out.Edits.All {
		switch {
		case len(ed.Path) == 0:
			return errors.New("one of its edits has no path")
		case ed.Op == abi.EditSet && !json.Valid(ed.Value):
			return fmt.Errorf("its edit of %q sets what is not JSON", ed.Path)
		case ed.Op == abi.EditRename && len(ed.Value) == 0:
			return fmt.Errorf("its edit of %q renames it to nothing", ed.Path)
		}
	}
	return nil
}

// printable reports whether b is visible ASCII, as URLs are.
func printable(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}

func namesValid(n abi.Names) bool {
	sum := 0
	for name := range n.All {
		sum += 2 + len(name)
	}
	return sum == len(n)
}

// Response says what is wrong with a provider's translated response.
func Response(out *abi.ResponseOutput) error {
	switch {
	case out.AsIs && len(out.Body) > 0:
		return fmt.Errorf("it wants the vendor's body as it is, and gives one of %d bytes", len(out.Body))
	case !out.AsIs && len(out.Body) == 0:
		return errors.New("its response has no body")
	}
	return nil
}

// Stream says what is wrong with a provider's chunks.
func Stream(out *abi.StreamOutput) error {
	if len(out.State) > abi.MaxState {
		return fmt.Errorf("its state has %d bytes, the limit is %d", len(out.State), abi.MaxState)
	}
	count, sum := uint32(0), 0
	for kind, data := range out.Chunks.All {
		count++
		sum += 5 + len(data)
		switch {
		case kind > abi.ChunkError:
			return fmt.Errorf("its chunk %d has the unknown kind %d", count, kind)
		case kind == abi.ChunkError:
			r, err := abi.DecodeRefusal(data)
			if err != nil {
				return fmt.Errorf("its error chunk %d can't be decoded", count)
			}
			if err := refusal(r); err != nil {
				return err
			}
		case len(data) == 0:
			return fmt.Errorf("its chunk %d is empty", count)
		case bytes.IndexByte(data, '\n') >= 0 || bytes.IndexByte(data, '\r') >= 0:
			return fmt.Errorf("its chunk %d has a line break, which would break the stream's framing", count)
		}
	}
	if sum != len(out.Chunks) || count != out.Count {
		return fmt.Errorf("it announces %d chunks and gives %d", out.Count, count)
	}
	return nil
}

// Score says what is wrong with a strategy's answer, and escapes what a log line or a header can't hold of its texts.
func Score(out *abi.ScoreOutput, candidates int) error {
	switch {
	case len(out.Scores) != candidates:
		return fmt.Errorf("it returned %d scores for %d candidates", len(out.Scores), candidates)
	case len(out.Reason) > abi.MaxReason:
		return fmt.Errorf("its reason has %d bytes, the limit is %d", len(out.Reason), abi.MaxReason)
	case len(out.RejectCode) > abi.MaxReason:
		return fmt.Errorf("its reject code has %d bytes, the limit is %d", len(out.RejectCode), abi.MaxReason)
	case out.Directives&abi.DirectiveReject != 0 && (out.RejectStatus < 400 || out.RejectStatus > 599):
		return fmt.Errorf("it rejects with status %d, which is no error", out.RejectStatus)
	}
	out.Reason, out.RejectCode = guestlog.Visible(out.Reason), guestlog.Visible(out.RejectCode)
	return nil
}
