package server

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/switchyard-gateway/switchyard/internal/gateway"
)

// model is a model group as the OpenAI dialect shows models.
type model struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

// modelsCreated is the creation time of every group: the dialect wants one, and none is known.
const modelsCreated = 1735689600 // 2025-01-01

func modelOf(id string) model {
	return model{ID: id, Object: "model", Created: modelsCreated, OwnedBy: "switchyard"}
}

// listModels serves GET /v1/models: the groups that the caller may use.
func (s *Server) listModels(c echo.Context) error {
	x := c.(*exchange)
	snap, key, err := x.enter()
	if err != nil {
		return err
	}
	defer snap.Release()
	names := snap.Models(tenantOf(key))
	list := struct {
		Object string  `json:"object"`
		Data   []model `json:"data"`
	}{"list", make([]model, len(names))}
	for i, name := range names {
		list.Data[i] = modelOf(name)
	}
	return x.sendJSON(list)
}

// showModel serves GET /v1/models/{id}. IDs may contain slashes, escaped or not.
func (s *Server) showModel(c echo.Context) error {
	x := c.(*exchange)
	snap, key, err := x.enter()
	if err != nil {
		return err
	}
	defer snap.Release()
	_, id, _ := strings.Cut(x.Request().URL.EscapedPath(), "/models/")
	if plain, err := url.PathUnescape(id); err == nil {
		id = plain
	}
	if !snap.Serves(tenantOf(key), id) {
		e := refusal(http.StatusNotFound, typeRequest, "model_not_found", "The model %q does not exist or you do not have access to it.", gateway.Clip(id))
		e.Param = "model"
		return e
	}
	return x.sendJSON(modelOf(id))
}

func tenantOf(key *gateway.Key) *gateway.Tenant {
	if key == nil {
		return nil
	}
	return key.Tenant
}

// sendJSON answers 200 with v as encoding/json writes it. It is for routes that are not hot.
func (x *exchange) sendJSON(v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return x.send(http.StatusOK, append(body, '\n'))
}
