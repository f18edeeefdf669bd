package surfaces

import (
	"net/http"

	"github.com/switchyard-gateway/switchyard/server/api/internal/endpoint"
)

var (
	notReady = server(http.StatusServiceUnavailable, "not_ready", "The router is starting or ending.")
	noModel  = request(http.StatusNotFound, "model_not_found", "There is no such model, or the tenant may not use it.")
)

// failures are those of completions. A vendor's refusal keeps its status and its code, and a policy's rejection has those
// that the policy chose: neither can be listed.
var failures = []endpoint.Kind{
	request(http.StatusBadRequest, "invalid_body", "The body can't be read to its end."),
	request(http.StatusBadRequest, "invalid_json", "The body is not JSON."),
	request(http.StatusBadRequest, "invalid_type", "A value has another type than it must have."),
	request(http.StatusBadRequest, "invalid_value", "A value is not one that there is."),
	request(http.StatusBadRequest, "missing_required_parameter", "A value is missing."),
	request(http.StatusBadRequest, "unsupported_parameter", "No deployment of the model takes one of the parameters."),
	request(http.StatusBadRequest, "unsupported_feature", "No deployment of the model can do what is asked for."),
	request(http.StatusBadRequest, "context_length_exceeded", "The prompt is too long for every deployment of the model."),
	endpoint.NoKey,
	{Status: http.StatusForbidden, Type: endpoint.TypePermission, Code: "missing_scope", About: "The key does not have the scope complete."},
	{Status: http.StatusForbidden, Type: endpoint.TypePermission, Code: "tenant_not_allowed", About: "The key may not act for another tenant."},
	endpoint.NoTenant,
	noModel,
	endpoint.SlowBody,
	endpoint.LargeBody,
	request(http.StatusUnsupportedMediaType, "unsupported_content_encoding", "The body has another content encoding than gzip."),
	{
		Status: http.StatusTooManyRequests, Type: "requests", Code: "rate_limit_exceeded",
		About: "A limit of the tenant, of the key, or of all vendors that could answer is reached; Retry-After says how long.",
	},
	{Status: http.StatusTooManyRequests, Type: "insufficient_quota", Code: "insufficient_quota", About: "A budget of the tenant or of the key is used up."},
	endpoint.Internal,
	server(http.StatusBadGateway, "upstream_unreachable", "No vendor could be reached."),
	server(http.StatusBadGateway, "upstream_error", "The exchange with the vendor broke off."),
	server(http.StatusBadGateway, "bad_upstream_response", "The vendor's answer can't be read."),
	server(http.StatusBadGateway, "plugin_error", "The provider's adapter failed."),
	notReady,
	server(http.StatusServiceUnavailable, "no_deployment", "Routing left no deployment of the model."),
	server(http.StatusServiceUnavailable, "all_cooling_down", "Every deployment of the model is cooling down after failures."),
	server(http.StatusServiceUnavailable, "routing_unavailable", "A strategy without which the model is not routed failed."),
	server(http.StatusServiceUnavailable, "drained", "The request outlived the configuration that it began with."),
	server(http.StatusGatewayTimeout, "timeout", "The deadline of the request has passed."),
	server(http.StatusGatewayTimeout, "upstream_timeout", "The vendor took too long."),
}

func request(status int, code, about string) endpoint.Kind {
	return endpoint.Kind{Status: status, Type: endpoint.TypeRequest, Code: code, About: about}
}

func server(status int, code, about string) endpoint.Kind {
	return endpoint.Kind{Status: status, Type: endpoint.TypeServer, Code: code, About: about}
}
