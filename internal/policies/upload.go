package policies

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/switchyard-gateway/switchyard/host"
	"github.com/switchyard-gateway/switchyard/internal/gateway"
	"github.com/switchyard-gateway/switchyard/internal/store"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Upload is a version to be.
type Upload struct {
	Module []byte
	Config []byte // an object as JSON or YAML; empty means {}
	By     string // who uploads it
	Note   string
}

// Upload admits a version and stores it. It serves nothing. A *Refused says everything that is wrong with it. A tenant's
// uploads are admitted one at a time.
func (p *Policies) Upload(ctx context.Context, tenant, name string, u *Upload) (*store.Version, error) {
	t := p.tenant(tenant)
	select {
	case t.upload <- struct{}{}:
		defer func() { <-t.upload }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	refused := &Refused{}
	if err := store.CheckName("policy", name); err != nil {
		refused.add(CodeName, "name", err.Error())
	}
	if len(u.Note) > maxNote {
		refused.add(CodeTooLarge, "note", fmt.Sprintf("it has %d bytes, and may have %d", len(u.Note), maxNote))
	}
	config := refused.read(u.Config)
	if err := p.admit(ctx, tenant, name, u.Module, config, refused); err != nil {
		return nil, fmt.Errorf("admitting policy %q of tenant %q: %w", name, tenant, err)
	}
	if len(refused.Reasons) > 0 {
		return nil, refused
	}
	v := &store.Version{Tenant: tenant, Policy: name, Config: config.json, By: u.By, Note: u.Note}
	if err := p.store.AddVersion(ctx, v, u.Module); err != nil {
		return nil, err
	}
	p.log.Info("policy uploaded", "tenant", tenant, "policy", label(name, v.Number), "module", hex.EncodeToString(v.Module[:6]), "by", u.By)
	return v, nil
}

// admit loads a module, for no longer than that takes, and adds what is wrong to refused. Without a configuration the
// module is looked at with an empty one. The error is not about the upload.
func (p *Policies) admit(ctx context.Context, tenant, name string, module []byte, config *document, refused *Refused) error {
	if len(module) == 0 {
		refused.add(CodeModule, "module", "there is none")
		return nil
	}
	loaded, release, err := p.try(ctx, tenant, name, module, config.bytes())
	var described *abi.Description
	switch e, _ := errors.AsType[*host.RefusedError](err); {
	case err == nil:
		defer release()
		described = loaded.Describe()
		if loaded.Mode() == abi.ModeFilter {
			refused.add(CodeFilter, "module", "it is a filter, and a policy has to score")
		}
		if config != nil {
			config.check(described, refused)
		}
		return refused.vectors(loaded.Vet(ctx, module))
	case e == nil:
		return err
	case e.Description != nil && config != nil:
		config.check(e.Description, refused)
		refused.stage(e, config)
	case e.Stage != host.StageConfigure: // else it had no configuration of the tenant's to judge
		refused.stage(e, config)
	}
	return nil
}

// bytes returns the JSON, nil without a document.
func (d *document) bytes() []byte {
	if d == nil {
		return nil
	}
	return d.json
}

// stage adds the reason for which the host refused.
func (r *Refused) stage(e *host.RefusedError, config *document) {
	switch e.Stage {
	case host.StageModule:
		r.add(CodeModule, "module", e.Error())
	case host.StageConfigure:
		message := e.Error()
		if refusal, ok := errors.AsType[*abi.Refusal](e); ok {
			message = refusal.Message
		}
		for line := range strings.Lines(message) { // a problem each
			if line = strings.TrimSpace(line); line != "" {
				where, rest := config.told(strings.ToValidUTF8(line[:min(len(line), maxSaid)], ""))
				if !r.has(CodeSchema, where) { // else the schema has said so
					r.add(CodeRejected, where, rest)
				}
			}
		}
	default:
		r.add(CodeStart, "module", e.Error())
	}
}

// maxSaid is how much is shown of what a policy says about one problem, in bytes.
const maxSaid = 1 << 10

// vectors adds the golden vector that was not answered as it says. An error that is not about the module is returned.
func (r *Refused) vectors(err error) error {
	if e, ok := errors.AsType[*host.RefusedError](err); ok {
		r.add(CodeVector, "module", e.Error())
		return nil
	}
	return err
}

// try loads a strategy that does not serve, within the budget, until release is called.
func (p *Policies) try(ctx context.Context, tenant, name string, module, config []byte) (*host.Loaded, func(), error) {
	sum := sha256.Sum256(module)
	return p.borrow(ctx, sum, int64(len(module)), &host.Source{
		Name: name, Owner: tenant, Hash: hex.EncodeToString(sum[:]), Config: config,
		Module: func(context.Context) ([]byte, error) { return module, nil },
	})
}

func (p *Policies) borrow(ctx context.Context, module store.Digest, size int64, s *host.Source) (*host.Loaded, func(), error) {
	if !p.begin() {
		return nil, nil, errClosed
	}
	free, err := p.shelf.promise(module, size, 0)
	if err != nil {
		p.work.Done()
		return nil, nil, err
	}
	loaded, err := p.host.Load(ctx, s)
	if err != nil {
		free()
		p.work.Done()
		return nil, nil, err
	}
	return loaded, func() {
		loaded.Release()
		free()
		p.work.Done()
	}, nil
}

// Candidate is a version to be tried on recorded decisions: a stored one, or a module with a configuration.
type Candidate struct {
	Policy  string
	Version int // 0: Module and Config
	Module  []byte
	Config  []byte // JSON
}

// Candidate loads a version under the limits of policies, beside what serves and without a part in it. release ends it,
// and must be called.
func (p *Policies) Candidate(ctx context.Context, tenant string, c *Candidate) (s gateway.Strategy, release func(), err error) {
	var loaded *host.Loaded
	if c.Version == 0 {
		loaded, release, err = p.try(ctx, tenant, c.Policy, c.Module, c.Config)
	} else {
		var v *store.Version
		if v, err = p.store.Version(ctx, tenant, c.Policy, c.Version); err != nil {
			return nil, nil, err
		}
		source := p.tenant(tenant).version(v).source()
		source.Faulted = nil
		loaded, release, err = p.borrow(ctx, v.Module, v.Size, source)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("loading policy %q of tenant %q to try it: %w", c.Policy, tenant, err)
	}
	return loaded, release, nil
}
