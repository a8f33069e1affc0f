package scan

import "strings"

// Texts keeps short texts as strings, many in one allocation. The strings stay valid. The zero Texts
// is ready to use.
type Texts struct{ block strings.Builder }

// The sizes of blocks in bytes. Each is twice as large as the one before.
const (
	firstBlock = 512
	lastBlock  = 16 << 10
)

// Keep returns a copy of text.
func (t *Texts) Keep(text []byte) string {
	if len(text) > firstBlock/4 {
		return string(text)
	}
	if size := t.block.Cap(); size-t.block.Len() < len(text) {
		t.block = strings.Builder{}
		t.block.Grow(min(max(firstBlock, 2*size), lastBlock))
	}
	from := t.block.Len()
	t.block.Write(text)
	return t.block.String()[from:]
}
