package sqsserver

import "container/list"

// A grouping is the visible part of a FIFO queue: its message groups, and which of them may be received from. A group with
// a message in flight is held back until that one is deleted or visible again, which is what keeps the order.
type grouping struct {
	groups map[string]*group
	turn   list.List // of *group: those that may be received from, the longest waiting first
}

type group struct {
	waiting  line // visible messages, in order of arrival
	inFlight int
	turn     *list.Element // nil = held back, or nothing waiting
}

// enter notes that the message is visible or in flight now; a delayed one is none of its group's business yet.
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
	f.settle(m.group, g)
}

// leave notes that the message is about to leave its state.
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
	f.settle(m.group, g)
}

// settle gives the group a turn or takes it away.
func (f *grouping) settle(name string, g *group) {
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

// after is the message to be received in the same call as m: the next one of its group, or the first of the next group.
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
