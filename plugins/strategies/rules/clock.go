package main

import (
	"strconv"
	"strings"
)

const minutesPerDay = 24 * 60

// minutes is the time of the request in minutes since 1970, by the clock that the config sets. It is not negative, as
// the offset is less than a day and added to a whole one.
func (s *subject) minutes() uint64 {
	const msPerMinute = 60_000
	return s.in.Now()/msPerMinute + uint64(minutesPerDay+s.utcOffset)
}

var weekdays = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// weekday is the day of the request, an index of weekdays. 1970 began on a Thursday; minutes counts a day more.
func (s *subject) weekday() uint64 {
	const offset = 3
	return (s.minutes()/minutesPerDay + offset) % uint64(len(weekdays))
}

// span is a part of the day in minutes, the end excluded. It goes over midnight if it ends before it begins.
type span struct{ from, to int }

func (s span) holds(minute int) bool {
	if s.from < s.to {
		return s.from <= minute && minute < s.to
	}
	return s.from <= minute || minute < s.to
}

// parseSpan reads "22-6" or "09:30-17:00".
func parseSpan(text string) (span, bool) {
	from, to, ok := strings.Cut(text, "-")
	begin, good := parseTime(from)
	end, fine := parseTime(to)
	s := span{begin % minutesPerDay, end}
	return s, ok && good && fine && begin < minutesPerDay && begin != end
}

// parseTime reads an hour, or an hour and minutes, as minutes of the day: 24:00 is one.
func parseTime(text string) (int, bool) {
	hours, minutes, colon := strings.Cut(strings.TrimSpace(text), ":")
	h, ok := digits(hours, 1)
	m := 0
	if colon {
		var whole bool
		m, whole = digits(minutes, 2)
		ok = ok && whole
	}
	at := h*60 + m
	return at, ok && m < 60 && at <= minutesPerDay
}

// digits reads a number of at least so many digits, and at most two.
func digits(text string, least int) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 8)
	return int(n), err == nil && len(text) >= least && len(text) <= 2
}
