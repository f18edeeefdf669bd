package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// dimension is how sums are split: the expression to group by, and where its value goes.
type dimension struct {
	sql   string
	named bool // the value is the number of a name
	field func(u *store.Usage) *string
}

var dimensions = map[store.Dimension]dimension{
	store.ByDay:        {sql: "day"},
	store.ByMonth:      {sql: "CAST(unixepoch(day * 86400, 'unixepoch', 'start of month') AS INTEGER) / 86400"},
	store.ByTenant:     {"tenant", true, func(u *store.Usage) *string { return &u.Tenant }},
	store.ByKey:        {"key", true, func(u *store.Usage) *string { return &u.Key }},
	store.ByGroup:      {"grp", true, func(u *store.Usage) *string { return &u.Group }},
	store.ByDeployment: {"deployment", true, func(u *store.Usage) *string { return &u.Deployment }},
	store.ByProvider:   {"provider", true, func(u *store.Usage) *string { return &u.Provider }},
	store.ByModel:      {"model", true, func(u *store.Usage) *string { return &u.Model }},
	store.BySurface:    {"surface", true, func(u *store.Usage) *string { return &u.Surface }},
}

func (s *Store) Usage(ctx context.Context, q *store.UsageQuery) ([]store.Usage, error) {
	var columns, groups []string
	for _, by := range q.By {
		d, ok := dimensions[by]
		if !ok {
			return nil, fmt.Errorf("%w: usage by dimension %d", store.ErrInvalid, by)
		}
		groups = append(groups, d.sql)
		if d.named {
			columns = append(columns, "(SELECT name FROM names WHERE id = "+d.sql+")")
		} else {
			columns = append(columns, d.sql)
		}
	}
	columns = append(columns, "ifnull(sum(requests), 0), ifnull(sum(failed), 0), ifnull(sum(unpriced), 0), ifnull(sum(prompt), 0), ifnull(sum(completion), 0), "+
		"ifnull(sum(cached), 0), ifnull(sum(cache_write), 0), ifnull(sum(reasoning), 0), ifnull(sum(cost), 0), ifnull(sum(latency), 0)")
	where, args := "day >= ? AND day < ?", []any{q.From, q.To}
	for column, name := range map[string]string{"tenant": q.Tenant, "key": q.Key, "grp": q.Group, "model": q.Model} {
		if name != "" {
			where += " AND " + column + " = (SELECT id FROM names WHERE name = ?)"
			args = append(args, name)
		}
	}
	query := "SELECT " + strings.Join(columns, ", ") + " FROM days WHERE " + where
	if len(groups) > 0 {
		query += " GROUP BY " + strings.Join(groups, ", ")
	}
	all, err := list(ctx, s.reader, func(r row) (store.Usage, error) { return scanUsage(r, q.By) }, query, args...)
	if err != nil {
		return nil, fmt.Errorf("summing up usage: %w", err)
	}
	slices.SortFunc(all, func(a, b store.Usage) int {
		for _, by := range q.By {
			c := cmp.Compare(a.Day, b.Day)
			if d := dimensions[by]; d.named {
				c = strings.Compare(*d.field(&a), *d.field(&b))
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
	return all, nil
}

func scanUsage(r row, by []store.Dimension) (u store.Usage, err error) {
	var dest []any
	for _, b := range by {
		if d := dimensions[b]; d.named {
			dest = append(dest, d.field(&u))
		} else {
			dest = append(dest, &u.Day)
		}
	}
	var latency int64
	dest = append(dest, &u.Requests, &u.Failed, &u.Unpriced, &u.Prompt, &u.Completion, &u.Cached, &u.CacheWrite, &u.Reasoning, &u.Cost, &latency)
	err = r.Scan(dest...)
	u.Latency = time.Duration(latency) * time.Microsecond
	return u, err
}

func (s *Store) SpentOn(ctx context.Context, day store.Day) ([]store.Spent, error) {
	all, err := list(ctx, s.reader, func(r row) (p store.Spent, err error) {
		err = r.Scan(&p.Tenant, &p.Key, &p.Day, &p.Month)
		return p, err
	},
		`SELECT (SELECT name FROM names WHERE id = tenant), (SELECT name FROM names WHERE id = key), sum(iif(day = ?2, cost, 0)), sum(cost)
		FROM days WHERE day BETWEEN ?1 AND ?2 GROUP BY tenant, key ORDER BY 1, 2`, day.Month(), day)
	if err != nil {
		return nil, fmt.Errorf("reading what was spent on %s: %w", day, err)
	}
	return all, nil
}
