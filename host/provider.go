package host

import (
	"context"

	"github.com/switchyard-gateway/switchyard/host/internal/contract"
	"github.com/switchyard-gateway/switchyard/host/internal/guests"
	"github.com/switchyard-gateway/switchyard/host/internal/statetag"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Provider calls one configured provider plugin. It is valid as long as its Set is held, and safe for concurrent use.
//
// Each call writes its input straight into the plugin's memory and copies the answer to buf, growing it as needed. The
// slices of out alias the buffer that is returned, which the caller may pass to its next call. An error is a
// *abi.Refusal that the plugin gave, or a *Fault. An out that comes without an error was checked: its lists decode, its
// enumerations are known, and its state is within abi.MaxState.
//
// A State that comes out is the plugin's behind a few bytes of the host's, so it is never empty and may be that much
// longer than abi.MaxState. It is opaque: Response and Stream take it as it came, or an empty one, and a call that brings
// one is answered by the version that gave it. So the calls that follow a Request never meet another version than the
// one that planned it. Such a call is not repeated on the previous version when it faults.
type Provider struct{ line *line }

// Describe returns what the version that serves now says of itself. The caller must not change it.
func (p *Provider) Describe() *abi.Description { return p.line.active().module.Description() }

// Hash returns the hash of the version that serves now.
func (p *Provider) Hash() string { return p.line.active().module.Hash }

// Request turns a client's request into the vendor's.
func (p *Provider) Request(ctx context.Context, in *abi.RequestInput, out *abi.RequestOutput, buf []byte) ([]byte, error) {
	for c := p.line.begin(); ; {
		i, err := c.borrow(ctx, guests.Request)
		if err != nil {
			return buf, err
		}
		if buf, err = c.message(i, guests.Request, in.Append(i.Room()), buf); err == nil {
			if err = out.Decode(buf); err == nil {
				if err = contract.Request(in, out); err == nil {
					statetag.Request(c.pool.module.Number, buf, out)
				}
			} else {
				err = contract.Reply(err)
			}
		}
		if err = c.pool.finish(i, guests.Request, err); !c.again(err) {
			return buf, err
		}
	}
}

// Response turns a whole answer of the vendor into the client's.
func (p *Provider) Response(ctx context.Context, in *abi.ResponseInput, out *abi.ResponseOutput, buf []byte) ([]byte, error) {
	c, state, err := p.line.resume(guests.Response, in.State)
	if err != nil {
		return buf, err
	}
	plain := *in
	plain.State = state
	for {
		i, err := c.borrow(ctx, guests.Response)
		if err != nil {
			return buf, err
		}
		if buf, err = c.message(i, guests.Response, plain.Append(i.Room()), buf); err == nil {
			if err = out.Decode(buf); err == nil {
				err = contract.Response(out)
			} else {
				err = contract.Reply(err)
			}
		}
		if err = c.pool.finish(i, guests.Response, err); !c.again(err) {
			return buf, err
		}
	}
}

// Stream turns a batch of the vendor's stream events into chunks for the client.
func (p *Provider) Stream(ctx context.Context, in *abi.StreamInput, out *abi.StreamOutput, buf []byte) ([]byte, error) {
	c, state, err := p.line.resume(guests.Stream, in.State)
	if err != nil {
		return buf, err
	}
	plain := *in
	plain.State = state
	for {
		i, err := c.borrow(ctx, guests.Stream)
		if err != nil {
			return buf, err
		}
		if buf, err = c.message(i, guests.Stream, plain.Append(i.Room()), buf); err == nil {
			if err = out.Decode(buf); err == nil {
				if err = contract.Stream(out); err == nil {
					statetag.Stream(c.pool.module.Number, buf, out)
				}
			} else {
				err = contract.Reply(err)
			}
		}
		if err = c.pool.finish(i, guests.Stream, err); !c.again(err) {
			return buf, err
		}
	}
}
