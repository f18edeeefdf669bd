package guests

import "sync"

// Ledger has what the closed instances of any number of pools have done, so that counts never go down.
type Ledger struct {
	mu    sync.Mutex // held while an instance leaves its pool and its calls become these; taken before Pool.mu
	calls uint64
	fuel  uint64
	most  uint64
}

// Count is what instances are, and what they have done. Memory is in bytes, Fuel and MostFuel, that of one call, are in
// instructions.
type Count struct {
	Live, Idle, Max int
	Memory          int64
	Calls           uint64
	Fuel, MostFuel  uint64
}

// Count adds up the ledger and the pools that write to it.
func (l *Ledger) Count(pools []*Pool) Count {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := Count{Calls: l.calls, Fuel: l.fuel, MostFuel: l.most}
	for _, p := range pools {
		p.count(&c)
	}
	return c
}

// count adds a pool's instances and their calls.
func (p *Pool) count(c *Count) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.Live += len(p.all)
	if p.closed.Load() {
		c.Max += len(p.all)
	} else {
		c.Max += len(p.slots)
	}
	for _, i := range p.all {
		c.Calls += i.calls.Load()
		c.Fuel += i.fuel.Load()
		c.MostFuel = max(c.MostFuel, i.dearest.Load())
		c.Memory += int64(i.size.Load())
	}
	for n := range p.slots {
		if p.slots[n].idle.Load() != nil {
			c.Idle++
		}
	}
}

// Made returns how many calls the pool's instances were asked, first to last.
func (p *Pool) Made() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.dropped
	for _, i := range p.all {
		n += i.calls.Load()
	}
	return n
}

// drop closes a borrowed instance for good.
func (p *Pool) drop(i *Instance) {
	i.Close()
	// Its calls are counted here or there, whenever somebody looks.
	l := p.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	p.mu.Lock()
	for at, other := range p.all {
		if other == i {
			p.all = append(p.all[:at], p.all[at+1:]...)
			break
		}
	}
	calls := i.calls.Load()
	l.calls += calls
	l.fuel += i.fuel.Load()
	l.most = max(l.most, i.dearest.Load())
	p.dropped += calls
	p.mu.Unlock()
}
