package meter

import "github.com/switchyard-gateway/switchyard/host/meter/internal/wasm"

// dispatch is a loop in the manner of the Go compiler, whose functions have no jumps but these, and which takes no values:
//
//	loop; block; block; …; local.get X; br_table …; end; …; end; …; end
//	      i32.const K; local.set X; br <the loop>         anywhere inside
//
// A jump goes to where entry K of the table points: behind the end of one of the blocks. The code from there to the end
// of the next one is a segment. Blocks, and the segments behind them, are numbered by their level, 1 being the outermost
// and so the last; jumps forward go to lower levels.
//
// Forward jumps are made branches to the ends of blocks, and entry 0, by which functions are called, is tried before the
// table. What is charged stays the same.
//
// The loop's head pays nothing. A segment pays for itself if a jump backward leads to it, or if it is long; else those
// pay that come there. So what pays at each turn are real loops.
type dispatch struct {
	active   bool
	unknown  bool     // something branches to the loop in another manner: to any segment
	entered  bool     // the br_table is passed
	read     bool     // something else reads X
	region   int      // that the loop lies in
	frame    int      // its index in scanner.frames
	blocks   int      // how many there are
	unopened int      // how many of them are to come
	open     int      // the innermost level that is not closed yet
	local    uint32   // X
	table    []uint32 // the labels of the br_table, its default last
	way      int64    // the way to the br_table
	segments []segment
	edges    []edge
}

// segment is code behind the end of a dispatch block.
type segment struct {
	paid   bool // it pays for itself
	insert int
	key    int   // leads here; none if none does
	cost   int64 // of the longest way from its beginning to where something else pays
	edges  int   // its first edge
}

// edge is a way forward from one segment to another.
type edge struct {
	to  int   // level
	way int64 // in the segment
}

const (
	none     = -1
	jumpCost = 3   // of loop, local.get and br_table: the blocks between them are nothing
	long     = 600 // a segment of a higher cost pays for itself
)

// jumps recognises the three instructions of a jump, one after the other.
type jumps struct {
	state int
	key   uint32
	at    int // where they begin
}

// next notes an instruction and returns whether it is the last of a jump by way of the local. r stands behind op.
func (j *jumps) next(r wasm.Reader, op byte, local uint32) bool {
	switch {
	case op == wasm.OpI32Const:
		j.at = r.Pos() - 1
		v := r.S33()
		j.state, j.key = 1, uint32(v)
	case op == wasm.OpLocalSet && j.state == 1 && r.U32() == local:
		j.state = 2
	case op == wasm.OpBr && j.state == 2:
		j.state = 0
		return true
	default:
		j.state = 0
	}
	return false
}

// recognise looks ahead from the inside of a loop and reports whether it is a dispatch loop.
func (d *dispatch) recognise(r wasm.Reader) bool {
	d.blocks = 0
	op := r.Byte()
	for ; op == wasm.OpBlock; op = r.Byte() {
		if r.Byte() != wasm.TypeEmpty {
			return false
		}
		d.blocks++
	}
	if op != wasm.OpLocalGet || d.blocks == 0 {
		return false
	}
	d.local = r.U32()
	if r.Byte() != wasm.OpBrTable {
		return false
	}
	d.table = d.table[:0]
	for range r.Count() + 1 {
		label := r.U32()
		if r.Bad() || int64(label) == int64(d.blocks) { // the loop itself
			return false
		}
		d.table = append(d.table, label)
	}
	return true
}

// begin makes the loop the active one.
func (d *dispatch) begin(frame, region int) {
	d.active, d.entered, d.unknown = true, false, false
	d.frame, d.region = frame, region
	d.open, d.unopened = d.blocks, d.blocks
	d.edges, d.segments = d.edges[:0], d.segments[:0]
	for range d.blocks + 1 {
		d.segments = append(d.segments, segment{insert: none, key: none})
	}
}

// plain makes the segments' charges ordinary ones, and leaves jumps forward as they are, if X is needed for more than jumps.
func (m *rewriter) plain(list []insert) {
	if d := &m.scan.disp; !d.read && !d.unknown {
		return
	}
	for i := range list {
		switch in := &list[i]; in.kind {
		case insertSegment:
			in.kind = insertCharge
		case insertDirect:
			in.kind, in.skip = insertNothing, 0
		}
	}
}

// label returns where a key leads, seen from the br_table.
func (d *dispatch) label(key uint32) int {
	return int(d.table[min(uint64(key), uint64(len(d.table)-1))])
}

func (d *dispatch) edge(level int, way int64) { d.edges = append(d.edges, edge{level, way}) }

// openSegment begins the segment behind the block of a level.
func (m *rewriter) openSegment(level, pos int) {
	s := &m.scan
	s.disp.open = level - 1
	s.disp.segments[level].edges = len(s.disp.edges)
	s.disp.segments[level].insert = m.insert(pos, insertCharge)
	s.regions = append(s.regions, region{insert: none, loops: none})
}

// closeSegment ends the segment behind the block of a level.
func (m *rewriter) closeSegment(level int) { m.scan.disp.segments[level].cost = m.leave().max }

// settle ends the loop and decides which segments pay, the last first.
func (m *rewriter) settle() {
	d := &m.scan.disp
	d.active = false
	for key, label := range d.table {
		if level := d.blocks - int(label); level > 0 {
			d.segments[level].key = key
		}
	}
	end := len(d.edges)
	for level := 1; level <= d.blocks; level++ {
		s := &d.segments[level]
		if s.insert == none {
			break
		}
		for _, e := range d.edges[s.edges:end] {
			s.cost = max(s.cost, e.way+d.unpaid(e.to))
		}
		end = s.edges
		s.paid = s.paid || d.unknown || s.cost > long
		if s.paid {
			in := &m.inserts[s.insert]
			in.arg = fuel(s.cost)
			if s.key != none && d.region == 0 {
				in.kind, in.key, in.local, in.label = insertSegment, uint32(s.key), d.local, uint32(level-1)
			}
		} else {
			m.inserts[s.insert].kind = insertNothing
		}
	}
	// A call comes with key 0, and the resumption of a function with another one: the way is the longest of all.
	var first int64
	for _, label := range d.table {
		if level := d.blocks - int(label); level > 0 {
			first = max(first, d.unpaid(level))
		}
	}
	d.way += first
}

// unpaid returns what has to be paid before entering a segment.
func (d *dispatch) unpaid(level int) int64 {
	if s := &d.segments[level]; !s.paid {
		return s.cost
	}
	return 0
}
