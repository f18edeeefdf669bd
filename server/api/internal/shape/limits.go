// Package shape is what the JSON of the API looks like: import it to answer with tenants, keys, policies, decisions and
// usage. The names and tags here are a promise to clients.
package shape

import (
	"fmt"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// Dollars is an amount of money as JSON has it: a decimal number of US dollars, exact to the billionth.
type Dollars store.Money

// maxDollars is the largest amount that is taken.
const maxDollars = 1e9

// MarshalJSON writes the number without rounding it.
func (d Dollars) MarshalJSON() ([]byte, error) { return []byte(store.Money(d).String()), nil }

// UnmarshalJSON refuses what is no amount, and what would be rounded to nothing.
func (d *Dollars) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return fmt.Errorf("%s is no amount in dollars", b)
	}
	m, ok := store.FromUSD(f)
	if !ok || f > maxDollars || f > 0 && m == 0 {
		return fmt.Errorf("%s is no amount in dollars: 0 to %.0f, to the billionth", b, maxDollars)
	}
	*d = Dollars(m)
	return nil
}

// Schema describes the number.
func (Dollars) Schema(huma.Registry) *huma.Schema {
	least := 0.0
	return &huma.Schema{Type: huma.TypeNumber, Minimum: &least}
}

// Limits bound what a tenant or a key uses.
type Limits struct {
	RequestsPerMinute int64   `json:"requests_per_minute,omitempty" minimum:"0" maximum:"1000000000000" doc:"0 or left out: no limit, here and below."`
	TokensPerMinute   int64   `json:"tokens_per_minute,omitempty" minimum:"0" maximum:"1000000000000"`
	Concurrent        int64   `json:"concurrent_requests,omitempty" minimum:"0" maximum:"1000000000000"`
	USDPerDay         Dollars `json:"usd_per_day,omitempty" maximum:"1000000000" doc:"A day is a calendar day in UTC. Exact to the billionth; less than that is refused."`
	USDPerMonth       Dollars `json:"usd_per_month,omitempty" maximum:"1000000000" doc:"A month is a calendar month in UTC."`
}

// LimitsOf shows limits.
func LimitsOf(l *store.Limits) Limits {
	return Limits{l.RequestsPerMinute, l.TokensPerMinute, l.Concurrent, Dollars(l.PerDay), Dollars(l.PerMonth)}
}

// Stored is what the store has of limits.
func (l *Limits) Stored() store.Limits {
	return store.Limits{
		RequestsPerMinute: l.RequestsPerMinute, TokensPerMinute: l.TokensPerMinute, Concurrent: l.Concurrent,
		PerDay: store.Money(l.USDPerDay), PerMonth: store.Money(l.USDPerMonth),
	}
}
