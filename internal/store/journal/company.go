package journal

// company decides whether it is worth while to let other goroutines run before a write. Under load they have a record at
// that moment, and one write does for all. Beside a lone request there are none, and to look for them wakes a processor up.
type company struct {
	skip int // how many of the next writes go out at once
	gap  int // what skip was set to last
}

// maxGap is after how many writes at most company is looked for again.
const maxGap = 63

// wanted reports whether to look for company before this write.
func (c *company) wanted() bool { return c.skip == 0 }

// met takes what came of it: whether it was looked for, and whether several records leave in this write.
func (c *company) met(sought, several bool) {
	switch {
	case several:
		*c = company{}
	case sought:
		c.gap = min(2*c.gap+1, maxGap)
		c.skip = c.gap
	default:
		c.skip--
	}
}
