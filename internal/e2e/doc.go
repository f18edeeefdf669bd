// Package e2e tests the router as its users meet it: the built binary as a process on loopback, before vendors that are
// a second process of the same binary, driven by unmodified SDKs and by plain HTTP. It has no code outside its tests.
//
// go test builds binary and plugins into a temporary folder; nothing but Go is needed. With -tags e2e the SDKs for
// Python and Node are tested too: their packages are installed into a temporary folder, which needs python3, node, npm
// and a package registry. With -short the swap test is a small one.
package e2e
