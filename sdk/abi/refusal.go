package abi

import "errors"

// The first byte of every output of configure, request, response, stream, score and feedback. There are no others.
const (
	ReplyOK      = 0
	ReplyRefusal = 1
)

// Class says what a failure means for the next attempt.
type Class uint8

// Classes (routing.md: retries).
const (
	ClassFinal Class = iota // no other deployment would do better: the client gets it
	ClassRetry              // the same deployment may do better in a moment
	ClassOther              // this deployment won't, another may
)

// ErrorKind selects typed fallbacks and cooldown rules.
type ErrorKind uint8

// Kinds of failures.
const (
	ErrorGeneral ErrorKind = iota
	ErrorInvalidRequest
	ErrorContextWindow
	ErrorContentPolicy
	ErrorAuth      // the vendor refuses the operator's credential
	ErrorNotFound  // the vendor does not know the model
	ErrorRateLimit // retry after a pause
	ErrorQuota     // a balance or quota is used up: pausing is useless
	ErrorTimeout
	ErrorOverloaded
	ErrorBadResponse // the vendor's answer can't be read
)

// Refusal is a failure as data: what a vendor's error means, or why an adapter can't translate
// a request. It is never a trap. Layout after the reply byte (1):
//
//	u16 status | u8 class | u8 kind | u32 retry_after_ms | str16 type | str16 code | str16 param | str16 message
//
// Status, Type, Code, Param and Message are what a client of the OpenAI dialect should see.
type Refusal struct {
	Status       int
	Class        Class
	Kind         ErrorKind
	RetryAfterMS uint32 // 0: the vendor said nothing
	Type         string
	Code         string
	Param        string
	Message      string
}

// Error makes a refusal usable as a Go error; it is the message alone.
func (r *Refusal) Error() string { return r.Message }

// Append writes the reply byte and the layout above.
func (r *Refusal) Append(dst []byte) []byte {
	return r.appendFields(append(dst, ReplyRefusal))
}

func (r *Refusal) appendFields(dst []byte) []byte {
	dst = le.AppendUint16(dst, uint16(r.Status))
	dst = append(dst, byte(r.Class), byte(r.Kind))
	dst = le.AppendUint32(dst, r.RetryAfterMS)
	dst = appendBytes16(dst, r.Type)
	dst = appendBytes16(dst, r.Code)
	dst = appendBytes16(dst, r.Param)
	return appendBytes16(dst, r.Message)
}

func readRefusal(r *reader) *Refusal {
	return &Refusal{
		Status: int(r.u16()), Class: Class(r.u8()), Kind: ErrorKind(r.u8()), RetryAfterMS: r.u32(),
		Type: r.string16(), Code: r.string16(), Param: r.string16(), Message: r.string16(),
	}
}

// AppendOK writes the bare reply that configure and feedback give when all is well.
func AppendOK(dst []byte) []byte { return append(dst, ReplyOK) }

// DecodeReply reads the bare reply of configure and feedback. The error is ErrShort, ErrReply or a *Refusal.
func DecodeReply(b []byte) error {
	r := reader{b: b}
	return reply(&r)
}

// ErrReply is returned by every Decode of an output whose first byte is neither [ReplyOK] nor [ReplyRefusal].
var ErrReply = errors.New("abi: reply begins with neither 0 nor 1")

// reply reads the first byte; on a refusal the rest too.
func reply(r *reader) error {
	switch tag := r.u8(); {
	case r.bad:
		return ErrShort
	case tag == ReplyRefusal:
		ref := readRefusal(r)
		if r.bad {
			return ErrShort
		}
		return ref
	case tag != ReplyOK:
		return ErrReply
	default:
		return nil
	}
}
