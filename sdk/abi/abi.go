package abi

// Version is the contract's version. A module says which one it speaks by exporting a function
// named [MarkerPrefix] + the version in decimal, without parameters or results.
const (
	Version      = 1
	MarkerPrefix = "switchyard_abi_"
	Marker       = "switchyard_abi_1"
)

// Export names. All integers are core WebAssembly i32 unless said otherwise; every call that
// answers returns an i64 that packs the output's address (high 32 bits) and length (low 32 bits).
const (
	ExportMemory    = "memory"
	ExportInit      = "_initialize" // () -> (), optional: run once after instantiation
	ExportInput     = "input"       // (size) -> address of a guest-owned buffer of at least size bytes
	ExportDescribe  = "describe"    // () -> i64, output is a Description as JSON
	ExportConfigure = "configure"   // (length) -> i64, input is JSON, output is a bare Reply
	ExportRequest   = "request"     // (length) -> i64
	ExportResponse  = "response"    // (length) -> i64
	ExportStream    = "stream"      // (length) -> i64
	ExportScore     = "score"       // (length) -> i64
	ExportFeedback  = "feedback"    // (length) -> i64, optional, output is a bare Reply
)

// Host functions. The module name of the import is HostModule.
const (
	HostModule = "switchyard"
	HostLog    = "log" // (level, address, length) -> (); rate-capped, lines over MaxLogLine are cut
)

// Log levels of the host function log.
const (
	LogDebug = 0
	LogInfo  = 1
	LogWarn  = 2
	LogError = 3
)

// Limits of the contract itself. An operator may set lower ones, never higher ones.
const (
	MaxScoreOutput = 64 << 10
	MaxOutput      = 16 << 20
	MaxState       = 64 << 10
	MaxLogLine     = 1 << 10
	MaxReason      = 256
	MaxCandidates  = 1 << 12
)

// Kind of a plugin. It is read off the exports and confirmed by describe.
const (
	KindProvider = "provider"
	KindStrategy = "strategy"
)

// Modes of a strategy: a scoring strategy's finite scores are scaled and weighted, a filter's
// only removes (NaN) or keeps (anything else).
const (
	ModeScore  = "score"
	ModeFilter = "filter"
)

// Description is what describe answers, as JSON. AppendJSON writes it without reflection.
type Description struct {
	ABI     int    `json:"abi"`
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Version string `json:"version"`
	About   string `json:"about,omitempty"`

	// Dialect is the provider's own wire format: openai, anthropic, gemini, ollama, bedrock, cohere
	// or responses, the nearest for a vendor with one of its own. Endpoints is what it can serve:
	// chat, embeddings, completions.
	Dialect   string   `json:"dialect,omitempty"`
	Endpoints []string `json:"endpoints,omitempty"`
	// Passthrough lists the client dialects for which request needs no body: the host leaves
	// the body out of the input, and the reply must be edits.
	Passthrough []string `json:"passthrough,omitempty"`

	// Mode is a strategy's mode, ModeScore when empty.
	Mode string `json:"mode,omitempty"`

	// ConfigSchema is a JSON Schema of what configure accepts, as raw JSON; empty means an
	// object without members.
	ConfigSchema RawJSON `json:"config_schema,omitempty"`
}

// RawJSON is JSON text that is carried as it is.
type RawJSON string

// UnmarshalJSON keeps the text. The host decodes descriptions with encoding/json.
func (r *RawJSON) UnmarshalJSON(b []byte) error {
	*r = RawJSON(b)
	return nil
}

// MarshalJSON returns the text, null when there is none.
func (r RawJSON) MarshalJSON() ([]byte, error) {
	if r == "" {
		return []byte("null"), nil
	}
	return []byte(r), nil
}

// Dialect is a wire format.
type Dialect uint8

// Dialects known to this version.
const (
	DialectNone Dialect = iota
	DialectOpenAI
	DialectAnthropic
	DialectGemini
	DialectOllama
	DialectBedrock
	DialectCohere
	DialectResponses
)

var dialectNames = [...]string{"", "openai", "anthropic", "gemini", "ollama", "bedrock", "cohere", "responses"}

// String returns the dialect's name as describe spells it.
func (d Dialect) String() string { return name(dialectNames[:], int(d)) }

// Endpoint is what the client asked for.
type Endpoint uint8

// Endpoints known to this version.
const (
	EndpointNone Endpoint = iota
	EndpointChat
	EndpointEmbeddings
	EndpointCompletions
)

var endpointNames = [...]string{"", "chat", "embeddings", "completions"}

// String returns the endpoint's name as describe spells it.
func (e Endpoint) String() string { return name(endpointNames[:], int(e)) }

// Framing is how an upstream stream is cut into events. The host does the cutting.
type Framing uint8

// Framings.
const (
	FramingNone        Framing = iota // not a stream
	FramingSSE                        // text/event-stream; comments are dropped
	FramingNDJSON                     // one JSON text a line
	FramingEventStream                // application/vnd.amazon.eventstream
)

// AuthScheme names how the host adds the operator's credential. The credential itself never
// enters a guest.
type AuthScheme uint8

// Auth schemes.
const (
	AuthNone   AuthScheme = iota
	AuthBearer            // Authorization: Bearer <api_key>
	AuthHeader            // <AuthName>: <api_key>
	AuthQuery             // ?<AuthName>=<api_key>
	AuthSigV4             // AWS Signature Version 4, AuthName is the service
	AuthGCP               // OAuth token of a Google service account
	AuthAzure             // api-key: <api_key>
)

func name(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return "unknown"
}

// Features of a request and abilities of a deployment share one set of bits.
const (
	FeatureStream uint32 = 1 << iota
	FeatureTools
	FeatureImages
	FeatureJSONSchema
	FeatureJSONMode
	FeatureAudio
	FeatureFiles
	FeatureReasoning
	FeatureEmbeddings
	FeatureLogprobs
	FeatureMultiChoice // n > 1
)
