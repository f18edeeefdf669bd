package modgen

// dispatch writes a loop in the manner of the Go compiler: a table at its head leads behind the end of one of its blocks,
// by a local that the code there sets before it branches back. A rewriter may treat it as what it is, jumps.
func (b body) dispatch(depth int) {
	n := 2 + b.pick(4)
	key, turns := b.local(I32), b.local(I32)
	b.f.fixed = append(b.f.fixed, key, turns)
	b.i32([]int32{3, 1, 8, 40, 1000}[b.pick(5)])
	b.index(0x21, turns)
	if b.one(4) {
		b.i32(int32(b.pick(n + 2)))
		b.index(0x21, key)
	}
	out := len(b.f.labels)
	b.open(opBlock, nil, nil)
	b.open(opLoop, nil, nil)
	for range n {
		b.open(opBlock, nil, nil)
	}
	b.index(0x20, key)
	count := n + b.pick(2)
	code := unsigned([]byte{0x0e}, uint64(count))
	for range count + 1 {
		label := b.pick(n)
		if b.one(8) {
			label = n + b.pick(2) // the loop, or out of it
		}
		code = unsigned(code, uint64(label))
	}
	b.emit(code...)
	b.cut()
	for range n {
		b.close()
		for range b.pick(3) {
			b.statement(depth)
		}
		switch b.pick(4) {
		case 1:
			b.jump(out, key, turns, n)
		case 2:
			b.value(I32, depth)
			b.open(opIf, nil, nil)
			b.jump(out, key, turns, n)
			b.close()
		case 3:
			b.loop(nil, depth)
			b.jump(out, key, turns, n)
		}
	}
	b.close()
	b.close()
}

// jump goes to a random entry of the table, forward or back, or out when the turns are used up.
func (b body) jump(out, key, turns, n int) {
	if !b.one(16) {
		b.index(0x20, turns)
		b.emit(0x45)
		b.index(0x0d, len(b.f.labels)-1-out)
		b.cut()
		b.step(turns)
	}
	b.i32(int32(b.pick(n + 2)))
	again := len(b.f.labels) - 2 - out
	switch b.pick(12) {
	case 10:
		b.index(0x22, key)
		b.index(0x0d, again) // unless the key is 0
	case 11:
		b.index(0x21, key)
		b.emit(0x01)
		b.index(0x0c, again)
	default:
		b.index(0x21, key)
		b.index(0x0c, again)
	}
	b.cut()
}
