package abi

// A module may carry golden vectors: examples of what it answers. A host that admits a new version calls it with each
// input, on the fuel and within the limits of any other call, and refuses the version when an answer is another one. So a
// build that went wrong never serves.
//
// They stand as JSON in one custom section named VectorsSection, which any tool can append to a finished module:
//
//	00                        section id: custom
//	u32 (LEB128)              size of what follows
//	12                        length of the name
//	73 77 69 … 72 73          "switchyard.vectors"
//	…                         the JSON, to the section's end
//
// The JSON is a list of objects with the members of Vector and no others; input and output are in base64:
//
//	[{"name": "two candidates", "config": {"factor": 2}, "export": "score", "input": "oAAAAQ…", "output": "AAAwAA…"}]
//
// Vectors with the same text as their config run in one instance, one after the other, in the list's order. Answers are
// compared byte by byte, those of score field by field: there, any NaN is equal to any other, and 0 to -0.
const (
	VectorsSection = "switchyard.vectors"

	MaxVectors       = 64      // in a list
	MaxVectorsSize   = 1 << 20 // bytes of JSON
	MaxVectorName    = 128     // bytes
	MaxVectorConfigs = 8       // that differ: each is an instance to start
)

// Vector is one example: a call, and the answer that it has.
type Vector struct {
	// Name is for humans and unique in its list.
	Name string `json:"name"`
	// Config is what configure gets before, {} when it is empty.
	Config RawJSON `json:"config,omitempty"`
	// Export is request, response, stream, score or feedback.
	Export string `json:"export"`
	// Input and Output are the messages as they cross, a refusal's included.
	Input  []byte `json:"input"`
	Output []byte `json:"output"`
}
