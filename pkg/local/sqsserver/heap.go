package sqsserver

import "container/heap"

// A schedule is a heap of the messages of a queue, by the time at which each next changes its
// state: a delayed or in-flight message becomes visible, a visible message reaches the end of its
// retention. It contains every message of the queue once.
type schedule []*message

func (s schedule) Len() int           { return len(s) }
func (s schedule) Less(i, j int) bool { return s[i].due < s[j].due }

func (s schedule) Swap(i, j int) {
	s[i], s[j] = s[j], s[i]
	s[i].place, s[j].place = i, j
}

// Push is for container/heap only.
func (s *schedule) Push(x any) {
	m := x.(*message)
	m.place = len(*s)
	*s = append(*s, m)
}

// Pop is for container/heap only.
func (s *schedule) Pop() any {
	last := len(*s) - 1
	m := (*s)[last]
	(*s)[last] = nil
	*s = (*s)[:last]
	return m
}

func (s *schedule) add(m *message)    { heap.Push(s, m) }
func (s *schedule) remove(m *message) { heap.Remove(s, m.place) }

// move sets the message's due time, in milliseconds since the epoch.
func (s *schedule) move(m *message, due int64) {
	m.due = due
	heap.Fix(s, m.place)
}
