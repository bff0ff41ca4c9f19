package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// item is the object of every engine's item: one text, nothing else.
type item struct {
	Payload string `json:"payload,omitempty"`
}

// envelope is the JSON around the text: {"payload":""}.
const envelope = len(`{"payload":""}`)

// payloadOf makes the text with which an item is so many bytes of JSON; 0 bytes stand for an item without any.
//
// The text is random, though always the same, so that Postgres cannot store large items smaller than they are.
func payloadOf(bytes int) (string, error) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	if bytes == 0 {
		return "", nil
	}
	if bytes <= envelope {
		return "", fmt.Errorf("expected a payload of 0 or more than %d bytes, found %d", envelope, bytes)
	}
	random := rand.New(rand.NewPCG(1, 2))
	var text strings.Builder
	for range bytes - envelope {
		text.WriteByte(alphabet[random.IntN(len(alphabet))])
	}
	return text.String(), nil
}
