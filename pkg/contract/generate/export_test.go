package generate

// Unchecked returns a message as it is made, before the contract has been asked about it. Half of
// the messages have something changed.
func (g *Generator) Unchecked() Message {
	e := g.event()
	if g.chance(2) {
		return g.broken(e)
	}
	return e.message(g)
}
