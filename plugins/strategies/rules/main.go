package main

import "github.com/switchyard-gateway/switchyard/sdk/strategy"

func init() { strategy.Register(&plugin{}) }

func main() {}
