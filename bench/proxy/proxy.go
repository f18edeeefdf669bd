// Package proxy has the two bare proxies that the router is held against: the least that one would write with net/http,
// and with fasthttp. They forward, and do nothing else.
package proxy

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/valyala/fasthttp"
)

// connections is how many a proxy may hold to the vendor: more than any run needs.
const connections = 16384

// Serve runs a proxy of a kind, "echo" or "fasthttp", to an upstream address, until ctx ends or the listener does.
func Serve(ctx context.Context, kind, upstream string, ln net.Listener) error {
	defer context.AfterFunc(ctx, func() { ln.Close() })()
	var err error
	switch kind {
	case "echo":
		err = (&http.Server{Handler: overEcho(upstream), ReadHeaderTimeout: time.Minute}).Serve(ln)
	case "fasthttp":
		err = overFast(upstream).Serve(ln)
	default:
		return fmt.Errorf("a proxy %q is not known: echo, fasthttp", kind)
	}
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("serving: %w", err)
}

func overEcho(upstream string) http.Handler {
	to := &url.URL{Scheme: "http", Host: upstream}
	e := echo.New()
	e.Any("/*", echo.WrapHandler(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport: &http.Transport{
			MaxIdleConns: connections, MaxIdleConnsPerHost: connections, IdleConnTimeout: time.Minute, DisableCompression: true,
		},
	}))
	return e
}

func overFast(upstream string) *fasthttp.Server {
	client := &fasthttp.HostClient{
		Addr: upstream, MaxConns: connections, StreamResponseBody: true, MaxResponseBodySize: 16 << 20,
		NoDefaultUserAgentHeader: true, DisablePathNormalizing: true, MaxIdleConnDuration: time.Minute,
	}
	return &fasthttp.Server{
		NoDefaultServerHeader: true, Concurrency: connections, MaxRequestBodySize: 16 << 20,
		Handler: func(ctx *fasthttp.RequestCtx) {
			ctx.Request.Header.Del(fasthttp.HeaderConnection)
			if err := client.Do(&ctx.Request, &ctx.Response); err != nil {
				ctx.Error(err.Error(), fasthttp.StatusBadGateway)
				return
			}
			ctx.Response.Header.Del(fasthttp.HeaderConnection)
		},
	}
}
