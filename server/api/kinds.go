package api

import (
	"net/http"

	"github.com/switchyard-gateway/switchyard/server/api/internal/endpoint"
)

// The failures of single routes. Their codes are a promise to clients.
var (
	refused = endpoint.Kind{Status: http.StatusUnprocessableEntity, Type: endpoint.TypeRequest, Code: "policy_refused", About: "The policy is not admitted; reasons has every reason."}

	noSuchKey  = missing("key_not_found", "The tenant has no such key.")
	noPolicy   = missing("policy_not_found", "The tenant has no such policy.")
	noVersion  = missing("version_not_found", "The tenant's policy has no such version.")
	noDecision = missing("decision_not_found", "The tenant has no such decision, or no longer.")
	noReplay   = missing("replay_not_found", "The tenant has no such replay, or no longer.")

	configured = endpoint.Kind{Status: http.StatusConflict, Type: endpoint.TypeRequest, Code: "configured", About: "The tenant is declared in plugins.yaml and changed there."}
	closed     = endpoint.Kind{Status: http.StatusConflict, Type: endpoint.TypeRequest, Code: "tenant_closed", About: "The tenant is closed for good."}
	busy       = endpoint.Kind{Status: http.StatusConflict, Type: endpoint.TypeRequest, Code: "replay_running", About: "A replay of the tenant is under way, or too many of other tenants are: wait for it, or cancel it."}
)

func missing(code, about string) endpoint.Kind {
	return endpoint.Kind{Status: http.StatusNotFound, Type: endpoint.TypeRequest, Code: code, About: about}
}
