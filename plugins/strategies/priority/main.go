package main

import "github.com/switchyard-gateway/switchyard/sdk/strategy"

func init() { strategy.Register(newPlugin()) }

func main() {}
