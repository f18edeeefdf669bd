package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/switchyard-gateway/switchyard/bench/contender"
	"github.com/switchyard-gateway/switchyard/bench/load"
	"github.com/switchyard-gateway/switchyard/bench/report"
)

// swapped is what is replaced under load: the adapter that serves all of it.
const swapped = "openai"

// swap compares latency while builds of the adapter that the router has never seen replace each other, without a pause,
// with that of the same process before and after.
func swap(ctx context.Context, b *bench) error {
	if err := b.profile(ctx, "delay=0s"); err != nil {
		return err
	}
	rounds, window, count := min(b.rounds, 2), 6*time.Second, 12
	if b.quick {
		rounds, window, count = 1, 3*time.Second, 4
	}
	builds, err := b.builds(ctx, count)
	if err != nil {
		return err
	}
	router := contender.Router{Name: "swapped", Provider: swapped, Cache: filepath.Join(b.setup.Work, "swap-cache")}
	if err := os.RemoveAll(router.Cache); err != nil {
		return err
	}
	r, err := b.launch(ctx, router)
	if err != nil {
		return err
	}
	defer r.Stop()
	defer b.prefer()()
	target := filepath.Join(router.Folder(&b.setup), swapped+".wasm")
	o := load.Options{Body: r.Body(500, false), Connections: 64, Rate: 1000, Warmup: time.Second, Window: window, Grace: 10 * time.Second}
	for range rounds {
		for _, swapping := range []bool{false, true, false} {
			var took []time.Duration
			done := make(chan error, 1)
			ending, end := context.WithCancel(ctx)
			go func() {
				if !swapping {
					done <- nil
					return
				}
				var err error
				took, builds, err = replace(ending, r, target, builds, o.Warmup)
				done <- err
			}()
			m, err := b.measure(ctx, r, o, 2)
			end()
			if failed := <-done; err == nil {
				err = failed
			}
			if err != nil {
				return err
			}
			m.of.Name = map[bool]string{false: "quiet", true: "swapping"}[swapping]
			b.addAnswers("swap", "1000 req/s", m)
			for _, d := range took {
				b.report.Add(report.Of{Section: "swap", Shape: "1000 req/s", Contender: "swapping", Metric: "swap_ms"}, d.Seconds()*1000)
			}
		}
	}
	return nil
}

// launch starts a router of its own, apart from the contenders.
func (b *bench) launch(ctx context.Context, router contender.Router) (*contender.Running, error) {
	config, err := router.Prepare(&b.setup)
	if err != nil {
		return nil, err
	}
	r, err := router.Launch(ctx, &b.setup, config)
	if err != nil {
		return nil, err
	}
	if err := r.Ready(ctx, time.Minute); err != nil {
		r.Stop()
		return nil, err
	}
	return r, nil
}

// builds compiles the adapter n times so that no two are the same: the tags of a build are part of what it holds. Each
// carries the adapter's golden vectors, as the shipped one does.
func (b *bench) builds(ctx context.Context, n int) (all []build, err error) {
	for i := range n {
		name := fmt.Sprintf("swap%d", i)
		if err := b.buildModule(ctx, name, "./plugins/providers/"+swapped, "-tags=bench_"+name); err != nil {
			return nil, err
		}
		file := filepath.Join(b.setup.Work, "modules", name+".wasm")
		vectors := filepath.Join(b.root, "plugins/providers", swapped, "testdata/vectors.json")
		if _, err := os.Stat(vectors); err == nil {
			cmd := exec.CommandContext(ctx, b.setup.Router, "plugin", "vectors", "add", file, vectors)
			if said, err := cmd.CombinedOutput(); err != nil {
				return nil, fmt.Errorf("adding the vectors to %s: %w\n%s", file, err, said)
			}
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(text)
		all = append(all, build{file, hex.EncodeToString(sum[:])})
	}
	return all, nil
}

// build is a file that is used once: it lies on the disk of the folder that it will be moved to.
type build struct{ file, hash string }

// replace puts one build after the other into place, each when the one before it serves, until ctx ends. It returns how
// long each took to serve, and the builds that are left. It does as little else as it can, on the processors that are
// measured.
func replace(ctx context.Context, r *contender.Running, target string, builds []build, wait time.Duration) (took []time.Duration, left []build, err error) {
	pause(ctx, wait)
	for len(builds) > 0 && ctx.Err() == nil {
		begin := time.Now()
		next := builds[0]
		if err := os.Rename(next.file, target); err != nil {
			return nil, nil, err
		}
		builds = builds[1:]
		for ctx.Err() == nil {
			now, err := serving(ctx, r)
			if err != nil && ctx.Err() == nil {
				return nil, nil, err
			}
			if strings.Contains(now, next.hash) {
				took = append(took, time.Since(begin))
				break
			}
			pause(ctx, 50*time.Millisecond)
		}
	}
	return took, builds, nil
}

// serving asks the router for the hash of the adapter that serves.
func serving(ctx context.Context, r *contender.Running) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.Address+"/admin/plugins", nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+contender.AdminToken)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", fmt.Errorf("asking for the plugins: %w", err)
	}
	defer res.Body.Close()
	var status struct {
		Plugins []struct {
			Plugin, Hash string
			Rejected     *struct{ Error string }
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&status); err != nil {
		return "", fmt.Errorf("asking for the plugins: status %d: %w", res.StatusCode, err)
	}
	for _, p := range status.Plugins {
		if p.Plugin == swapped && p.Rejected != nil {
			return "", fmt.Errorf("the router rejected a build: %s", p.Rejected.Error)
		}
		if p.Plugin == swapped {
			return p.Hash, nil
		}
	}
	return "", fmt.Errorf("the router does not know the plugin %q", swapped)
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
