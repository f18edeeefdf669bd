package host

import (
	"context"

	"github.com/switchyard-gateway/switchyard/host/internal/contract"
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
func (p *Provider) Describe() *abi.Description { return p.line.active().module.desc.Load() }

// Hash returns the hash of the version that serves now.
func (p *Provider) Hash() string { return p.line.active().module.hash }

// Request turns a client's request into the vendor's.
func (p *Provider) Request(ctx context.Context, in *abi.RequestInput, out *abi.RequestOutput, buf []byte) ([]byte, error) {
	for c := p.line.begin(); ; {
		i, err := c.borrow(ctx, exportRequest)
		if err != nil {
			return buf, err
		}
		if buf, err = i.copied(exportRequest, in.Append(i.room()), buf); err == nil {
			if err = out.Decode(buf); err == nil {
				if err = contract.Request(in, out); err == nil {
					out.State = i.pool.module.mark(buf, requestState(out), len(out.State))
				}
			} else {
				err = contract.Reply(err)
			}
		}
		if err = i.finish(exportRequest, err); !c.again(err) {
			return buf, err
		}
	}
}

// Response turns a whole answer of the vendor into the client's.
func (p *Provider) Response(ctx context.Context, in *abi.ResponseInput, out *abi.ResponseOutput, buf []byte) ([]byte, error) {
	c, state, err := p.line.resume(exportResponse, in.State)
	if err != nil {
		return buf, err
	}
	plain := *in
	plain.State = state
	for {
		i, err := c.borrow(ctx, exportResponse)
		if err != nil {
			return buf, err
		}
		if buf, err = i.copied(exportResponse, plain.Append(i.room()), buf); err == nil {
			if err = out.Decode(buf); err == nil {
				err = contract.Response(out)
			} else {
				err = contract.Reply(err)
			}
		}
		if err = i.finish(exportResponse, err); !c.again(err) {
			return buf, err
		}
	}
}

// Stream turns a batch of the vendor's stream events into chunks for the client.
func (p *Provider) Stream(ctx context.Context, in *abi.StreamInput, out *abi.StreamOutput, buf []byte) ([]byte, error) {
	c, state, err := p.line.resume(exportStream, in.State)
	if err != nil {
		return buf, err
	}
	plain := *in
	plain.State = state
	for {
		i, err := c.borrow(ctx, exportStream)
		if err != nil {
			return buf, err
		}
		if buf, err = i.copied(exportStream, plain.Append(i.room()), buf); err == nil {
			if err = out.Decode(buf); err == nil {
				if err = contract.Stream(out); err == nil {
					out.State = i.pool.module.mark(buf, streamState, len(out.State))
				}
			} else {
				err = contract.Reply(err)
			}
		}
		if err = i.finish(exportStream, err); !c.again(err) {
			return buf, err
		}
	}
}
