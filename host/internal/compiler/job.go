// Package compiler makes machine code of a plugin's module: import it to do so in another process, under limits, or in
// this one.
package compiler

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/switchyard-gateway/switchyard/host/internal/codecache"
	"github.com/switchyard-gateway/switchyard/host/internal/contract"
	"github.com/switchyard-gateway/switchyard/host/internal/sandbox"
	"github.com/switchyard-gateway/switchyard/host/meter"
	"github.com/switchyard-gateway/switchyard/sdk/abi"
)

// Job is one module to compile. In Work, an empty folder from codecache, it leaves what codecache.Keep takes from there.
type Job struct {
	Module []byte `json:"-"`
	Limits meter.Limits
	Work   string
}

// Key names what becomes of the module of a hash under limits. fingerprint is this process's.
func Key(hash string, l *meter.Limits, fingerprint string) codecache.Key {
	return codecache.KeyOf(fmt.Append(nil, hash, *l, meter.Version, abi.Version, outlineVersion), []byte(fingerprint))
}

// Compile does a job in this process: it meters the module, compiles it, and checks that it keeps the contract. A
// *RefusalError is about the module, another error is not. The compiler looks at ctx between two functions only.
func Compile(ctx context.Context, j *Job) error {
	return j.compile(ctx, true)
}

// RefusalError is a sentence about a module. Compiling it again would not help.
type RefusalError struct{ Text string }

func (e *RefusalError) Error() string { return e.Text }

// refuse makes a refusal of a text, which may quote the module.
func refuse(text string) error {
	return &RefusalError{plain(text)}
}

// CompileWithin does a job in this process and gives up at the timeout, or when ctx ends. What goes on then ends by
// itself, in vain.
func CompileWithin(ctx context.Context, j *Job, timeout time.Duration) error {
	bounded, cancel := context.WithTimeoutCause(ctx, timeout, lateError(timeout))
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- Compile(bounded, j) }()
	select {
	case err := <-done:
		if bounded.Err() == nil {
			return err
		}
	case <-bounded.Done():
	}
	return context.Cause(bounded)
}

func (j *Job) compile(ctx context.Context, check bool) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = refuse(fmt.Sprintf("compiling it: the compiler panicked: %v", p))
		}
	}()
	module, err := meter.Rewrite(j.Module, &j.Limits)
	if err != nil {
		return refuse(err.Error())
	}
	if ctx.Err() != nil { // given up, so that the work folder is gone
		return context.Cause(ctx)
	}
	runtime, err := codecache.NewRuntime(ctx, j.Work, j.Limits.Memory)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, runtime.Close(context.WithoutCancel(ctx))) }()
	compiled, err := runtime.CompileModule(ctx, module)
	if err != nil {
		if _, disk := errors.AsType[*fs.PathError](err); disk || ctx.Err() != nil {
			return fmt.Errorf("compiling it: %w", err)
		}
		return refuse("compiling it: " + err.Error())
	}
	if check {
		rules := contract.Rules{Imports: sandbox.Imports(), Memory: j.Limits.Memory}
		if _, err := contract.Module(compiled, &rules); err != nil {
			return refuse(err.Error())
		}
	}
	head, err := outline(module)
	if err != nil {
		return err
	}
	if err := j.rename(ctx, runtime, head); err != nil {
		return fmt.Errorf("compiling its outline: %w", err)
	}
	return codecache.Finish(j.Work, head)
}

// rename gives the only code in the work folder the name by which a runtime looks for that of an outline, which the
// runtime tells by compiling it.
func (j *Job) rename(ctx context.Context, runtime *codecache.Runtime, outline []byte) error {
	name, err := codecache.Code(j.Work)
	if err != nil {
		return err
	}
	code, aside := filepath.Join(j.Work, filepath.FromSlash(name)), filepath.Join(j.Work, "code")
	if err := os.Rename(code, aside); err != nil {
		return err
	}
	if _, err := runtime.CompileModule(ctx, outline); err != nil {
		return err
	}
	if name, err = codecache.Code(j.Work); err != nil {
		return err
	}
	return os.Rename(aside, filepath.Join(j.Work, filepath.FromSlash(name)))
}

// Fingerprint returns what distinguishes the code that this process makes and can run from that of others, beyond the
// module: wazero's version, the processor, and what meter writes.
func Fingerprint(ctx context.Context, f *codecache.Folder) (string, error) {
	work, err := f.Work()
	if err != nil {
		return "", err
	}
	defer f.Discard(work)
	j := Job{Module: probe, Work: work, Limits: meter.Limits{Memory: 1}}
	if err := j.compile(ctx, false); err != nil {
		return "", fmt.Errorf("trying the compiler: %w", err)
	}
	return codecache.Code(work)
}

// probe is a module with a start function that calls itself from a loop, and a memory that it fills.
var probe = []byte("\x00asm\x01\x00\x00\x00" +
	"\x01\x04\x01\x60\x00\x00" + // type 0: () -> ()
	"\x03\x02\x01\x00" + // function 0
	"\x05\x03\x01\x00\x01" + // memory of at least 1 page
	"\x08\x01\x00" + // start with 0
	"\x0a\x13\x01\x11\x00" + // code: no locals
	"\x03\x40\x10\x00\x0b" + // loop: call 0
	"\x41\x00\x41\x00\x41\x00\xfc\x0b\x00" + // memory.fill of nothing
	"\x0f\x0b") // return

// longest is how much of a text about a module is shown, in bytes.
const longest = 1000

// plain makes one short line of a text that may quote a module, or come from a process that died.
func plain(text string) string {
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + " …"
	}
	if !strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsPrint(r) || r == utf8.RuneError }) {
		return text
	}
	quoted := strconv.Quote(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
