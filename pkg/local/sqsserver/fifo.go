package sqsserver

import "container/list"

// A grouping holds the message groups of a FIFO queue. While a message of a group is in flight, no
// other message of that group can be received: that keeps the order.
type grouping struct {
	groups map[string]*group
	turn   list.List // of *group: the groups that can be received from, longest waiting first
}

type group struct {
	waiting  messageList // visible messages, in order of arrival
	inFlight int
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
		g.inFlight++
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
		g.inFlight--
	}
	f.updateTurn(m.group, g)
}

// updateTurn gives the group a turn or takes it away, and deletes an empty group.
func (f *grouping) updateTurn(name string, g *group) {
	ready := g.waiting.first != nil && g.inFlight == 0
	switch {
	case ready && g.turn == nil:
		g.turn = f.turn.PushBack(g)
	case !ready && g.turn != nil:
		f.turn.Remove(g.turn)
		g.turn = nil
	}
	if g.waiting.first == nil && g.inFlight == 0 {
		delete(f.groups, name)
	}
}

func (f *grouping) first() *message { return firstOf(f.turn.Front()) }

// after returns the message that is received after m in the same call: the next message of its
// group, or the first message of the next group.
func (f *grouping) after(m *message) *message {
	if m.next != nil {
		return m.next
	}
	return firstOf(f.groups[m.group].turn.Next())
}

func firstOf(turn *list.Element) *message {
	if turn == nil {
		return nil
	}
	return turn.Value.(*group).waiting.first
}
