// Package node is a process of a cluster that does what tests tell it, by JSON posted to /control.
// Its standard input is closed when the process that started it has gone, and then it goes as well.
package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Value is what a group holds under a key. Without an end it never expires.
type Value struct {
	Bytes  []byte    `json:"bytes"`
	Expire time.Time `json:"-"`
	// Expire as Unix time in nanoseconds, in decimal because JSON's readers round; "0" for never.
	ExpireNano string `json:"expireNano"`
}

// ErrNotFound is how the loader says that there is no value.
var ErrNotFound = errors.New("there is no such value")

// ErrUnknown is how a library says that it lacks a method.
var ErrUnknown = errors.New("the library cannot do that")

// Library is one of the Go modules.
type Library interface {
	// ServeHTTP answers peers.
	http.Handler
	// NewGroup makes a group.
	NewGroup(name string, load Load)
	// Join makes the process a peer of those with the given base URLs, itself among them.
	Join(peers []string)
	// Follow makes a peer, which may be the process itself, the owner of all keys.
	Follow(owner string)
	Get(ctx context.Context, group, key string) (Value, error)
	Set(ctx context.Context, group, key string, value Value) error
	Remove(ctx context.Context, group, key string) error
	// KindOf tells errors apart: "not-found", "remote", or "" for any other.
	KindOf(err error) string
}

// Load brings the value of a key.
type Load func(key string) (Value, error)

type order struct {
	Command string   `json:"command"`
	Peers   []string `json:"peers"`
	Owner   string   `json:"owner"`
	Group   string   `json:"group"`
	Key     string   `json:"key"`
	Bytes   []byte   `json:"bytes"`
	TTLMs   int64    `json:"ttlMs"`
}

type failure struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
}

// State is what tests want to know of a process.
type state struct {
	// The keys that the loader was called with, in order.
	Loads []string `json:"loads"`
	// How many requests of each method came from peers.
	Requests map[string]int `json:"requests"`
}

type node struct {
	name     string
	library  Library
	released chan struct{}

	mu    sync.Mutex // guards what follows
	state state
}

// Run serves until the process is ended. The process calls itself what its first argument says.
func Run(newLibrary func(self string) Library) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	self := "http://" + listener.Addr().String()
	n := &node{
		name:     os.Args[1],
		library:  newLibrary(self),
		released: make(chan struct{}),
		state:    state{Loads: []string{}, Requests: map[string]int{}},
	}
	n.library.NewGroup("values", n.load)
	n.library.NewGroup("go-only", n.load)

	mux := http.NewServeMux()
	mux.HandleFunc("/_groupcache/", func(w http.ResponseWriter, r *http.Request) {
		n.mu.Lock()
		n.state.Requests[r.Method]++
		n.mu.Unlock()
		n.library.ServeHTTP(w, r)
	})
	mux.HandleFunc("/control", n.control)

	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	fmt.Printf("serving %s\n", self)
	panic(http.Serve(listener, mux))
}

// load knows keys of these kinds: "missing:…" there is none; "broken:…" fails; "held:…" waits for
// the command "release"; "size:<n>:…" is n bytes of all values; "ttl:<ms>:…" ends after that time.
// All but those of a size tell which process loaded them.
func (n *node) load(key string) (Value, error) {
	n.mu.Lock()
	n.state.Loads = append(n.state.Loads, key)
	n.mu.Unlock()

	kind, rest, _ := strings.Cut(key, ":")
	number, _, _ := strings.Cut(rest, ":")
	value := Value{Bytes: []byte(n.name + ":" + key)}
	switch kind {
	case "missing":
		return Value{}, ErrNotFound
	case "broken":
		return Value{}, errors.New("the loader of " + n.name + " is broken")
	case "held":
		<-n.released
	case "size":
		size, err := strconv.Atoi(number)
		if err != nil {
			return Value{}, err
		}
		value.Bytes = make([]byte, size)
		for i := range value.Bytes {
			value.Bytes[i] = byte(i * 167)
		}
	case "ttl":
		ms, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return Value{}, err
		}
		value.Expire = time.Now().Add(time.Duration(ms) * time.Millisecond)
	}
	return value, nil
}

func (n *node) control(w http.ResponseWriter, r *http.Request) {
	var o order
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer, err := n.obey(r.Context(), o)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		answer = failure{n.library.KindOf(err), err.Error()}
	}
	json.NewEncoder(w).Encode(answer)
}

func (n *node) obey(ctx context.Context, o order) (any, error) {
	switch o.Command {
	case "join":
		n.library.Join(o.Peers)
		return nil, nil
	case "follow":
		n.library.Follow(o.Owner)
		return nil, nil
	case "get":
		value, err := n.library.Get(ctx, o.Group, o.Key)
		value.ExpireNano = "0"
		if !value.Expire.IsZero() {
			value.ExpireNano = strconv.FormatInt(value.Expire.UnixNano(), 10)
		}
		return value, err
	case "set":
		value := Value{Bytes: o.Bytes}
		if o.TTLMs > 0 {
			value.Expire = time.Now().Add(time.Duration(o.TTLMs) * time.Millisecond)
		}
		return nil, n.library.Set(ctx, o.Group, o.Key, value)
	case "remove":
		return nil, n.library.Remove(ctx, o.Group, o.Key)
	case "release":
		close(n.released)
		return nil, nil
	case "state":
		n.mu.Lock()
		defer n.mu.Unlock()
		encoded, err := json.Marshal(n.state)
		return json.RawMessage(encoded), err
	}
	return nil, errors.New("no such command: " + o.Command)
}
