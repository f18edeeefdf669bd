package modgen

// dispatch writes a loop in the manner of the Go compiler: a table at its head leads behind the end of one of its blocks,
// by a local that the code there sets before it branches back. A rewriter may treat it as what it is, jumps. In many, as that
// compiler makes them, nothing else reads the local and nothing else leads to the loop. A few take values.
func (b body) dispatch(depth int) {
	d := dispatch{blocks: 2 + b.pick(4), key: b.local(I32), turns: b.local(I32), own: !b.one(4)}
	b.f.fixed = append(b.f.fixed, d.key, d.turns)
	hidden := !b.one(4)
	if hidden {
		b.f.hidden = append(b.f.hidden, d.key)
	}
	if b.one(4) {
		b.i32(int32(b.pick(d.blocks + 2)))
		b.index(0x21, d.key)
	}
	if b.one(4) {
		b.again(func() { b.jumping(&d, depth) })
	} else {
		b.jumping(&d, depth)
	}
	if !hidden {
		if i := b.settable(I32); i >= 0 {
			b.index(0x20, d.key)
			b.index(0x21, i)
		}
	}
}

// dispatch is such a loop while it is written.
type dispatch struct {
	blocks     int
	key, turns int  // locals
	out        int  // index of the label behind it
	own        bool // nothing but its jumps leads there
	params     []ValueType
}

// again has code run a few times, whatever the code before left in the locals.
func (b body) again(code func()) {
	rest := b.local(I32)
	b.f.fixed = append(b.f.fixed, rest)
	b.i32(int32(1 + b.pick(3)))
	b.index(0x21, rest)
	b.open(opLoop, nil, nil)
	code()
	b.step(rest)
	b.index(0x20, rest)
	b.index(0x0d, 0)
	b.cut()
	b.close()
}

func (b body) jumping(d *dispatch, depth int) {
	b.i32([]int32{3, 1, 8, 40, 1000}[b.pick(5)])
	b.index(0x21, d.turns)
	d.out, d.params = len(b.f.labels), nil
	if b.one(8) {
		d.params = b.typeList(2)
	}
	b.open(opBlock, nil, nil)
	b.values(d.params, depth)
	b.open(opLoop, d.params, nil)
	b.f.labels[len(b.f.labels)-1].jumps = d.own
	for range d.blocks {
		b.open(opBlock, nil, nil)
	}
	b.index(0x20, d.key)
	count := d.blocks + b.pick(2)
	code := unsigned([]byte{0x0e}, uint64(count))
	for range count + 1 {
		label := b.pick(d.blocks)
		switch {
		case !b.one(8):
		case d.own || len(d.params) > 0:
			label = d.blocks + 1 // out
		default:
			label = d.blocks + b.pick(2) // the loop, or out
		}
		code = unsigned(code, uint64(label))
	}
	b.emit(code...)
	b.cut()
	for range d.blocks {
		b.close()
		for range b.pick(3) {
			b.statement(depth)
		}
		switch b.pick(4) {
		case 1:
			b.jump(d)
		case 2:
			b.value(I32, depth)
			b.open(opIf, nil, nil)
			b.jump(d)
			b.close()
		case 3:
			b.loop(nil, depth)
			b.jump(d)
		}
	}
	b.sink(d.params)
	b.close()
	b.close()
}

// jump goes to a random entry of the table, forward or back, or out when the turns are used up.
func (b body) jump(d *dispatch) {
	if !b.one(16) {
		b.index(0x20, d.turns)
		b.emit(0x45)
		b.index(0x0d, len(b.f.labels)-1-d.out)
		b.cut()
		b.step(d.turns)
	}
	b.leaves(d.params)
	again := len(b.f.labels) - 2 - d.out
	how := b.pick(6)
	if d.own {
		how = 0
	}
	if how != 3 {
		b.i32(int32(b.pick(d.blocks + 2)))
	}
	switch how {
	case 3: // by what is in the key
		b.index(0x0c, again)
	case 4:
		b.index(0x22, d.key)
		b.index(0x0d, again) // unless the key is 0
		b.cut()
		b.sink(d.params)
	case 5:
		b.index(0x21, d.key)
		b.emit(0x01)
		b.index(0x0c, again)
	default:
		b.index(0x21, d.key)
		b.index(0x0c, again)
	}
	b.cut()
}
