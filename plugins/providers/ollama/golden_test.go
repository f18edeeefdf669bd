package main

import (
	"testing"

	"github.com/switchyard-gateway/switchyard/internal/upstream"
	"github.com/switchyard-gateway/switchyard/sdk/provider"
	"github.com/switchyard-gateway/switchyard/sdk/sdktest"
)

func TestGolden(t *testing.T) {
	sdktest.Golden{
		New: func() provider.Plugin { return newPlugin() }, Decode: decode, Endings: []string{"\r\n"},
	}.Run(t)
}

// decode cuts a stream with the host's decoder, which gets it in two pieces.
func decode(stream string, split int) (events []sdktest.Event) {
	d := upstream.NewDecoder(upstream.NDJSON, 1<<20)
	drain := func() {
		for e, ok := d.Next(); ok; e, ok = d.Next() {
			if !e.Comment() {
				events = append(events, sdktest.Event{Name: string(e.Name), Data: string(e.Data)})
			}
		}
	}
	for _, piece := range [...]string{stream[:split], stream[split:]} {
		if err := d.Write([]byte(piece)); err != nil {
			break
		}
		drain()
	}
	d.Close() //nolint:errcheck // a cut stream is part of some cases
	drain()
	return events
}
