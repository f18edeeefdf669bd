// Command anthropic is the provider plugin for Anthropic's Messages API and for vendors that speak it.
//
// Clients of the OpenAI chat dialect are translated both ways; clients of the Messages API itself are passed
// through. What the models can do stands in models.go.
package main

import "github.com/switchyard-gateway/switchyard/sdk/provider"

func init() { provider.Register(&plugin{}) }

func main() {}
