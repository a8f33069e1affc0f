package sqsserver

import "container/list"

// A grouping holds the message groups of a FIFO queue. While a message of a group is in flight, the
// messages of the group after it cannot be received: that keeps the order. Messages before it can
// be received; they were received too, and became visible again earlier.
type grouping struct {
	groups map[string]*group
	turn   list.List // of *group: the groups that can be received from, longest waiting first
}

type group struct {
	waiting  messageList   // visible messages, in order of arrival
	inFlight messageList   // in order of arrival
	turn     *list.Element // in grouping.turn; nil if the group is held back or has no visible message
}

// enter adds a message that has become visible or in flight. It ignores delayed messages.
func (f *grouping) enter(m *message) {
	if m.state == delayed {
		return
	}
	g := f.groups[m.group]
	if g == nil {
		g = &group{}
		f.groups[m.group] = g
	}
	switch m.state {
	case visible:
		g.waiting.insert(m)
	case inFlight:
		g.inFlight.insert(m)
	}
	f.updateTurn(m.group, g)
}

// leave takes a message out before its state changes.
func (f *grouping) leave(m *message) {
	if m.state == delayed {
		return
	}
	g := f.groups[m.group]
	switch m.state {
	case visible:
		g.waiting.remove(m)
	case inFlight:
		g.inFlight.remove(m)
	}
	f.updateTurn(m.group, g)
}

// updateTurn gives the group a turn or takes it away, and deletes an empty group.
func (f *grouping) updateTurn(name string, g *group) {
	ready := g.canReceive(g.waiting.first)
	switch {
	case ready && g.turn == nil:
		g.turn = f.turn.PushBack(g)
	case !ready && g.turn != nil:
		f.turn.Remove(g.turn)
		g.turn = nil
	}
	if g.waiting.first == nil && g.inFlight.first == nil {
		delete(f.groups, name)
	}
}

// canReceive reports whether m, a visible message or nil, can be received: it exists, and no
// message before it is in flight.
func (g *group) canReceive(m *message) bool {
	return m != nil && (g.inFlight.first == nil || m.ordinal < g.inFlight.first.ordinal)
}

func (f *grouping) first() *message { return firstOf(f.turn.Front()) }

// after returns the message that is received after m in the same call: the next message of its
// group, or the first message of the next group.
func (f *grouping) after(m *message) *message {
	g := f.groups[m.group]
	if g.canReceive(m.next) {
		return m.next
	}
	return firstOf(g.turn.Next())
}

func firstOf(turn *list.Element) *message {
	if turn == nil {
		return nil
	}
	return turn.Value.(*group).waiting.first
}
