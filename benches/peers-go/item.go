package main

import (
	"math/rand/v2"
	"strings"
)

// item is the object of every engine's item: one text, nothing else.
type item struct {
	Payload string `json:"payload"`
}

// frame is the JSON around the text.
const frame = `{"payload":""}`

// itemsOf makes so many different items of so many bytes of JSON each, at least those of the frame.
//
// The texts are hexadecimal noise of a fixed seed: the same in every run, and nothing that the compression of a column
// could shrink to nothing. All are cut from one text, so that large items take no memory before they are enqueued.
func itemsOf(count, bytes int) []item {
	const digits = "0123456789abcdef"
	length := max(bytes-len(frame), 0)
	random := rand.New(rand.NewPCG(1, 2))
	var noise strings.Builder
	for range count + length {
		noise.WriteByte(digits[random.IntN(len(digits))])
	}
	items := make([]item, count)
	for i := range items {
		items[i].Payload = noise.String()[i : i+length]
	}
	return items
}
