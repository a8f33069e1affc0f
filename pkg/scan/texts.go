package scan

import "strings"

// Texts keeps short texts as strings, many in one allocation. The strings stay valid. The zero Texts
// is ready to use.
type Texts struct{ block strings.Builder }

const blockSize = 16 << 10

// Keep returns a copy of text.
func (t *Texts) Keep(text []byte) string {
	if len(text) > blockSize/8 {
		return string(text)
	}
	if t.block.Cap()-t.block.Len() < len(text) {
		t.block = strings.Builder{}
		t.block.Grow(blockSize)
	}
	from := t.block.Len()
	t.block.Write(text)
	return t.block.String()[from:]
}
