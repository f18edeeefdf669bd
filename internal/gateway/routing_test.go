package gateway

import (
	"testing"
	"testing/synctest"
)

// A rule is one sentence of the routing rules, with the five-group config of the system that
// Switchyard replaces. They stand in retries_test.go, fallbacks_test.go and cooldown_test.go.
// Where the sentences left room, it was decided that
//
//   - a group makes at most retries+1 attempts in all, and moves on to its next order when the
//     attempts that are left would just suffice to try each later order once;
//   - "another deployment is left" means a healthy one that has not failed in this request;
//   - a Retry-After above 8 s goes to a fallback group at once, if there is one not yet entered;
//   - when all of a group are cooling down, a fallback group with a healthy deployment is asked
//     first, and only without one is the least recently cooled tried anyway;
//   - errors that the client has to mend do not fall back, except a prompt that is too long and a
//     refusal for content policy;
//   - a fallback group that made no attempt does not hide the last upstream error.
type rule struct {
	name string
	test func(t *testing.T, w *world)
}

func check(t *testing.T, rules []rule) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				r.test(t, w)
				synctest.Wait()
				if n := w.gw.InFlight(); n != 0 {
					t.Errorf("%d requests in flight at the end", n)
				}
				if w.up.open != 0 {
					t.Errorf("%d bodies left open", w.up.open)
				}
				for _, g := range w.groups {
					for _, d := range g.Deployments {
						if n := d.Health.Status().InFlight; n != 0 {
							t.Errorf("%d attempts of %s in flight at the end", n, d.ID)
						}
					}
				}
			})
		})
	}
}

func ptr[T any](v T) *T { return &v }
