// Golden writes golden.json: who owns which key according to the Go modules themselves.
//
//	go run . > golden.json
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"os"
	"strings"

	golang "github.com/golang/groupcache/consistenthash"
	groupcachego "github.com/groupcache/groupcache-go/v3"
	"github.com/groupcache/groupcache-go/v3/transport/peer"
	mailgun "github.com/mailgun/groupcache/v2/consistenthash"
	"github.com/segmentio/fasthash/fnv1a"
)

type golden struct {
	Keys  []string   `json:"keys"`
	Peers [][]string `json:"peers"`
	Rings []ring     `json:"rings"`
}

type ring struct {
	Flavor   string `json:"flavor"`
	Hash     string `json:"hash"`
	Replicas int    `json:"replicas"`
	// For each list of peers a string that has a character for each key: in base 36, the index of
	// the key's owner in that list.
	Owners []string `json:"owners"`
}

// Each makes a ring and returns its lookup, from key to owner.
var flavors = map[string]func(peers []string, replicas int, hash string) (lookup func(key string) string){
	"golang": func(peers []string, replicas int, hash string) func(string) string {
		m := golang.New(replicas, hashes32[hash])
		m.Add(peers...)
		return m.Get
	},
	"mailgun": func(peers []string, replicas int, hash string) func(string) string {
		m := mailgun.New(replicas, hashes64[hash])
		m.Add(peers...)
		return m.Get
	},
	// The whole instance, so that the addresses of peers are those it hashes.
	"groupcache-go": func(peers []string, replicas int, hash string) func(string) string {
		instance := groupcachego.New(groupcachego.Options{HashFn: hashes64[hash], Replicas: replicas})
		var infos []peer.Info
		urls := make(map[string]string)
		for i, url := range peers {
			address := url[strings.Index(url, "://")+len("://"):]
			urls[address] = url
			infos = append(infos, peer.Info{Address: address, IsSelf: i == 0})
		}
		if err := instance.SetPeers(context.Background(), infos); err != nil {
			panic(err)
		}
		return func(key string) string {
			client, _ := instance.PickPeer(key)
			return urls[client.PeerInfo().Address]
		}
	},
}

// A nil hash stands for the module's own default.
var hashes32 = map[string]golang.Hash{
	"crc32":        nil,
	"fnv1a-32":     func(data []byte) uint32 { h := fnv.New32a(); h.Write(data); return h.Sum32() },
	"crc32-9-bits": func(data []byte) uint32 { return crc32.ChecksumIEEE(data) & 0x1ff },
}

var hashes64 = map[string]func(data []byte) uint64{
	"fnv1":         nil,
	"fnv1a":        fnv1a.HashBytes64,
	"crc32":        func(data []byte) uint64 { return uint64(crc32.ChecksumIEEE(data)) },
	"crc32-9-bits": func(data []byte) uint64 { return uint64(crc32.ChecksumIEEE(data) & 0x1ff) },
}

func main() {
	out := golden{Keys: keys(), Peers: peerLists()}
	for _, c := range []struct {
		flavor, hash string
		replicas     int
	}{
		{"golang", "crc32", 50},
		{"golang", "crc32", 1},
		{"golang", "crc32", 307},
		{"golang", "fnv1a-32", 50},
		{"golang", "crc32-9-bits", 50},
		{"mailgun", "fnv1", 50},
		{"mailgun", "fnv1", 512},
		{"mailgun", "fnv1a", 50},
		{"mailgun", "crc32", 160},
		{"mailgun", "crc32-9-bits", 50},
		{"groupcache-go", "fnv1", 50},
		{"groupcache-go", "fnv1", 512},
		{"groupcache-go", "fnv1a", 100},
		{"groupcache-go", "crc32", 50},
	} {
		r := ring{Flavor: c.flavor, Hash: c.hash, Replicas: c.replicas}
		for _, peers := range out.Peers {
			lookup := flavors[c.flavor](peers, c.replicas, c.hash)
			var owners strings.Builder
			for _, key := range out.Keys {
				owners.WriteByte("0123456789abcdefghijklmnopqrstuvwxyz"[indexOf(peers, lookup(key))])
			}
			r.Owners = append(r.Owners, owners.String())
		}
		out.Rings = append(out.Rings, r)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(out); err != nil {
		panic(err)
	}
}

func indexOf(peers []string, peer string) int {
	for i := range peers {
		if peers[i] == peer {
			return i
		}
	}
	panic("no such peer: " + peer)
}

func peerLists() [][]string {
	lists := [][]string{
		{"http://10.0.0.1:8080"},
		{"http://10.0.0.2:8080", "http://10.0.0.1:8080"},
		{"https://cache.example.com:443", "https://[2001:db8::1]:8443", "http://Localhost:80"},
		nil,
		nil,
		nil,
	}
	for i := 0; i < 5; i++ {
		lists[3] = append(lists[3], fmt.Sprintf("http://127.0.0.1:%d", 8001+i))
	}
	for i := 0; i < 10; i++ {
		lists[4] = append(lists[4], fmt.Sprintf("http://cache-%d.cache.default.svc.cluster.local:8080", i))
	}
	for i := 0; i < 30; i++ {
		lists[5] = append(lists[5], fmt.Sprintf("http://10.%d.7.%d:9000", (i*i)%11, 200-i))
	}
	return lists
}

func keys() []string {
	keys := []string{
		" ", "a", "0", "/", "//", ".", "..", "+", "%", "%2F", "a b", "a+b", "a%20b", "?x=1", "#",
		"key with trailing space ", "\x00", "\n", "\t\r\n", "\x7f", "é", "e\u0301", "ß", "日本語", "Привет",
		"🙂", "👩‍👩‍👧‍👦", "\u2028", "\ufeff", "\uffff", "\U0010ffff", "a/b/c", "http://10.0.0.1:8080",
		"0http://10.0.0.1:8080", "12,000", "11", "500,000", "1,000,000", `"quoted"`, `back\slash`, "<&>",
		"constructor", "__proto__",
	}
	for _, length := range []int{55, 56, 57, 63, 64, 65, 119, 120, 1000} {
		keys = append(keys, strings.Repeat("x", length), strings.Repeat("é", length/2))
	}
	for i := 0; i < 100; i++ {
		keys = append(keys, fmt.Sprintf("user:%05d", i))
	}
	for i := 0; i < 60; i++ {
		keys = append(keys, fmt.Sprintf("%x", crc32.ChecksumIEEE([]byte(fmt.Sprint(i)))))
	}
	for i := 0; i < 40; i++ {
		keys = append(keys, fmt.Sprintf("/thumbnails/%d/größe-%d.jpg", i*7919, i%4))
	}
	for i := 0; i < 40; i++ {
		keys = append(keys, fmt.Sprint(i*i*i))
	}
	return keys
}
