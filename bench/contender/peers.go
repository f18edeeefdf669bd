package contender

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

func nginx() *Contender {
	return &Contender{
		Name: "nginx", About: "nginx proxy_pass, kept-alive connections to the vendor, no access log, a worker per processor",
		Headers: []string{bearer}, Model: "bench-model", Streams: true,
		start: func(ctx context.Context, s *Setup) (*Running, error) {
			binary := "/usr/sbin/nginx"
			if _, err := os.Stat(binary); err != nil {
				return nil, ErrMissing
			}
			address, err := freeAddress(ctx)
			if err != nil {
				return nil, err
			}
			config := filepath.Join(s.Work, "nginx.conf")
			if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, s.Work, address, s.Vendor), 0o600); err != nil {
				return nil, err
			}
			p, err := Start(s.Work, "nginx", nil, binary, "-p", s.Work, "-c", config, "-e", "stderr")
			return &Running{Address: address, Process: p}, err
		},
	}
}

// proxy_buffering is off, or streams would be held back.
const nginxConfig = `daemon off;
user root;
worker_processes auto;
worker_rlimit_nofile 60000;
pid %[1]s/nginx.pid;
events { worker_connections 20000; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  client_body_buffer_size 512k;
  client_max_body_size 16m;
  client_body_temp_path %[1]s/nginx-body;
  proxy_temp_path %[1]s/nginx-proxy;
  upstream vendor { server %[3]s; keepalive 4096; keepalive_requests 1000000000; keepalive_timeout 600s; }
  server {
    listen %[2]s backlog=4096 reuseport;
    location / {
      proxy_pass http://vendor;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 600s;
    }
  }
}
`

func portkey() *Contender {
	// No streams: this version answers them with status 500 on Node 20 ("immutable", it changes headers of a fetched response).
	c := &Contender{Name: "portkey", About: "Portkey's gateway (Node), openai provider with a custom host", Model: "bench-model", Slow: true}
	c.start = func(ctx context.Context, s *Setup) (*Running, error) {
		program := filepath.Join(s.Peers, "portkey/node_modules/@portkey-ai/gateway/build/start-server.js")
		if _, err := os.Stat(program); err != nil {
			return nil, ErrMissing
		}
		address, err := freeAddress(ctx)
		if err != nil {
			return nil, err
		}
		_, port, _ := net.SplitHostPort(address)
		c.Headers = []string{bearer, "x-portkey-provider: openai", "x-portkey-custom-host: http://" + s.Vendor + "/v1"}
		// The gateway refuses hosts on loopback unless told that they are meant.
		p, err := Start(s.Work, "portkey", []string{"NODE_ENV=production", "TRUSTED_CUSTOM_HOSTS=127.0.0.1,localhost"}, "node", program, "--port="+port, "--headless")
		return &Running{Address: address, Process: p}, err
	}
	return c
}

func litellm() *Contender {
	return &Contender{
		Name: "litellm", About: "LiteLLM's proxy (Python), openai provider, a worker per processor", Headers: []string{bearer},
		Model: "bench-model", Slow: true, Streams: true,
		start: func(ctx context.Context, s *Setup) (*Running, error) {
			program := filepath.Join(s.Peers, "litellm/bin/litellm")
			if _, err := os.Stat(program); err != nil {
				return nil, ErrMissing
			}
			address, err := freeAddress(ctx)
			if err != nil {
				return nil, err
			}
			_, port, _ := net.SplitHostPort(address)
			config := filepath.Join(s.Work, "litellm.yaml")
			if err := os.WriteFile(config, fmt.Appendf(nil, litellmConfig, s.Vendor), 0o600); err != nil {
				return nil, err
			}
			env := []string{"LITELLM_LOCAL_MODEL_COST_MAP=True", "LITELLM_LOG=ERROR", "NO_DOCS=True"}
			p, err := Start(s.Work, "litellm", env, program, "--config", config, "--host", "127.0.0.1", "--port", port, "--num_workers", "2", "--telemetry", "False")
			return &Running{Address: address, Process: p}, err
		},
	}
}

const litellmConfig = `model_list:
  - model_name: bench-model
    litellm_params: {model: openai/bench-model, api_base: "http://%s/v1", api_key: vendor-key}
router_settings: {routing_strategy: latency-based-routing, num_retries: 2}
litellm_settings: {telemetry: false, set_verbose: false, request_timeout: 600}
`
