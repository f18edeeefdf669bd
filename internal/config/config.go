// Package config reads plugins.yaml: it turns the file into plain Go values with everything resolved, or into
// the list of everything that is wrong with it, each with its line and path.
//
// The rest of the tree knows no YAML. A Config is never changed after Load or Parse has returned it, so it may
// be shared between goroutines; whoever reads it must not change it either.
package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/config/yamltree"
)

// A Config is one valid configuration file.
type Config struct {
	Server    Server
	Plugins   Plugins
	Limits    Limits
	Store     Store
	Defaults  Defaults
	Providers []*Provider // in the order of the file, like Models and Tenants
	Models    []*Group
	Tenants   []*Tenant

	file      string
	lines     map[string]int
	providers map[string]*Provider
	groups    map[string]*Group // wildcards too, as they are written
}

// Server is the HTTP side.
type Server struct {
	Listen          string
	AdminToken      Secret // empty: the admin routes are closed
	Insecure        bool   // allows an open server beyond loopback
	MaxBody         int64  // bytes
	ShutdownTimeout time.Duration
}

// Plugins says where modules come from. Both folders are absolute.
type Plugins struct {
	Dir          string
	CacheDir     string
	Debounce     time.Duration
	Rescan       time.Duration
	DrainTimeout time.Duration
	CacheSize    int64 // bytes
}

// Defaults hold for every group that does not say otherwise.
type Defaults struct {
	Retries       int
	Timeout       time.Duration
	StreamTimeout time.Duration // 0 = none
	Strategy      []StrategyRef
	Cooldown      time.Duration // 0 = never
	AllowedFails  int           // 0 = not configured
	FailOpen      bool
}

// A Provider is a vendor account.
type Provider struct {
	Name     string
	Plugin   string
	BaseURL  string            // without a slash at the end
	Auth     *Auth             // nil: the vendor needs no credential
	Headers  map[string]Secret // extra request headers, by canonical name
	Config   json.RawMessage   // for the plugin, "{}" when absent
	Timeout  *time.Duration
	Enabled  bool
	Disabled string // why the provider is not used, "" when it is

	Path string // "providers.anthropic"
	Line int
}

// Auth is a credential of one of two forms: APIKey, or AccessKey with SecretKey.
type Auth struct {
	APIKey       Secret
	Header       string // that carries APIKey instead of the plugin's choice; canonical, or ""
	AccessKey    string
	SecretKey    Secret
	SessionToken Secret
	Region       string
	None         bool // says in so many words that no credential is needed
}

// A StrategyRef is a strategy as a group uses it.
type StrategyRef struct {
	Plugin string
	Weight float64
	Config json.RawMessage // "{}" when absent
	// OnFault is OnFaultSkip, OnFaultRefuse, or "": the first for what scores, the second for a filter.
	OnFault string

	Path string // "models.fast.strategy[0]"; below defaults for a group that has none
	Line int    // 0 for the built-in default
}

// What a request comes to when a strategy fails on it.
const (
	OnFaultSkip   = "skip"   // it is decided without the strategy
	OnFaultRefuse = "refuse" // it is refused
)

// A Group is a model group. Nil pointers mean that the group does not override the defaults.
type Group struct {
	Name                   string        // may end in * (see Config.Group)
	Strategy               []StrategyRef // resolved: those of the defaults when the group has none
	Fallbacks              []string
	ContextWindowFallbacks []string
	ContentPolicyFallbacks []string
	Retries                *int
	Timeout                *time.Duration
	StreamTimeout          *time.Duration // 0 = none
	FailOpen               *bool
	Deployments            []*Deployment // in the order of the file, at least one

	Path string
	Line int
}

// A Deployment is one model at one provider, as one group uses it. Deployments of several groups that have
// the same ID share their statistics. Nil pointers mean that it does not override group and defaults.
type Deployment struct {
	ID            string // "provider/model" unless given
	Provider      string
	Model         string // "*": what the group's wildcard matched
	Weight        float64
	Order         int
	Tags          []string
	Region        string // "" is none
	Price         Price
	RPM           int // 0 = no limit, like TPM
	TPM           int
	ContextWindow int // tokens, 0 = unknown, like MaxOutput
	MaxOutput     int
	Abilities     []string // empty = unknown
	Retries       *int
	Cooldown      *time.Duration // 0 = never
	AllowedFails  *int
	Timeout       *time.Duration
	StreamTimeout *time.Duration // 0 = none

	Path string // "models.fast.deployments[0]"
	Line int
}

// Price is USD per million tokens; nil = unknown, which is not 0.
type Price struct {
	Input, Output, CachedInput *float64
}

// Load reads the file at path. The error is Problems when the file could be read but is not valid. getenv is
// os.LookupEnv, or a stand-in for it.
func Load(path string, getenv func(string) (string, bool)) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading configuration: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, yamltree.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading configuration: %w", err)
	}
	return Parse(path, data, getenv)
}

// Parse reads data as if it stood in the file called name: problems name it, and relative folders start from
// where it is. The error is Problems.
func Parse(name string, data []byte, getenv func(string) (string, bool)) (*Config, error) {
	d := &decoder{file: name, lines: make(map[string]int), env: make(map[string][]yamltree.Use)}
	top := yamltree.Read(data, getenv, d.report)
	if top == nil {
		return nil, d.problems.sorted()
	}
	c := &Config{file: name, lines: d.lines}
	file.decode(d, top, "", c)
	check(d, c)
	if len(d.problems) > 0 {
		return nil, d.problems.sorted()
	}
	return c, nil
}

// Problem makes a problem with this file for what only its user can find out, such as a plugin that is not there.
// Line 0 stands for the line of path, or of what is around it.
func (c *Config) Problem(line int, path, message string) Problem {
	for at := path; line == 0 && at != ""; {
		line = c.lines[at]
		at = at[:max(0, strings.LastIndexAny(at, ".["))]
	}
	return Problem{c.file, line, path, message}
}

// Has reports whether the file has a value at path.
func (c *Config) Has(path string) bool { return c.lines[path] > 0 }

// Provider finds a provider by name.
func (c *Config) Provider(name string) (*Provider, bool) {
	p, ok := c.providers[name]
	return p, ok
}

// Wildcard reports whether the group's name ends in *.
func (g *Group) Wildcard() bool { return strings.HasSuffix(g.Name, "*") }

// index fills the maps.
func (c *Config) index() {
	c.providers = make(map[string]*Provider, len(c.Providers))
	for _, p := range c.Providers {
		c.providers[p.Name] = p
	}
	c.groups = make(map[string]*Group, len(c.Models))
	for _, g := range c.Models {
		c.groups[g.Name] = g
	}
}

// Open reports whether anybody may call: no tenant is configured.
func (c *Config) Open() bool { return len(c.Tenants) == 0 }

// CheckListen returns why an address must not be served with this configuration: a server to which everybody has
// access stays on loopback unless server.insecure is set. keys says that there are keys which are not configured here.
func (c *Config) CheckListen(addr string, keys bool) error {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return fmt.Errorf("%q is not host:port: %w", addr, err)
	}
	if !c.Open() || keys || c.Server.Insecure || Loopback(addr) {
		return nil
	}
	return errors.New("listening beyond loopback without tenants would let everybody in: configure tenants, or set server.insecure: true")
}

// Loopback reports whether an address host:port can be reached from this machine alone.
func Loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// RestartOnly returns the paths of the keys that differ between two configurations and take effect only at
// start, in the order of the reference. A reload that changes one of them must be refused.
func RestartOnly(old, new *Config) []string { return file.changed("", old, new) }
