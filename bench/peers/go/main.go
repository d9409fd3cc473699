// Command peer is one process of a golang/groupcache cluster, told over HTTP what to measure, as
// node.ts is.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang/groupcache"
)

const valueBytes = 1024

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	self := "http://" + listener.Addr().String()
	pool := groupcache.NewHTTPPoolOpts(self, nil)
	// Go's default keeps two connections to a host; the others would be opened again and again.
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns = 0
	transport.MaxIdleConnsPerHost = 1000
	pool.Transport = func(context.Context) http.RoundTripper { return transport }

	http.Handle("/_groupcache/", pool)

	// A caller keeps nothing, so that each of its gets goes to the owner.
	isCaller := len(os.Args) > 1 && os.Args[1] == "caller"
	var cacheBytes int64 = 256 << 20
	if isCaller {
		cacheBytes = 0
	}
	value := make([]byte, valueBytes)
	group := groupcache.NewGroup("bench", cacheBytes, groupcache.GetterFunc(
		func(_ context.Context, _ string, dest groupcache.Sink) error {
			if isCaller {
				return errors.New("the owner was not asked")
			}
			return dest.SetBytes(value)
		}))

	http.HandleFunc("/peers", func(_ http.ResponseWriter, r *http.Request) {
		pool.Set(strings.Split(r.URL.Query().Get("urls"), ",")...)
	})
	http.HandleFunc("/throughput", func(w http.ResponseWriter, r *http.Request) {
		callers, _ := strconv.Atoi(r.URL.Query().Get("callers"))
		ms, _ := strconv.Atoi(r.URL.Query().Get("ms"))
		keys, _ := strconv.Atoi(r.URL.Query().Get("keys"))
		calls, took := measure(group, callers, time.Duration(ms)*time.Millisecond, int64(keys))
		json.NewEncoder(w).Encode(float64(calls) / took.Seconds())
	})
	fmt.Println("listening on", self)
	go func() { log.Fatal(http.Serve(listener, nil)) }()
	// Ends with the process that started it.
	os.Stdin.Read(make([]byte, 1))
}

// measure gets keys one after another in each of several goroutines.
func measure(group *groupcache.Group, callers int, duration time.Duration, keys int64) (int64, time.Duration) {
	var next, calls atomic.Int64
	var done sync.WaitGroup
	start := time.Now()
	for range callers {
		done.Go(func() {
			for time.Since(start) < duration {
				var value groupcache.ByteView
				key := "user:" + strconv.FormatInt(next.Add(1)%keys, 10)
				if err := group.Get(context.Background(), key, groupcache.ByteViewSink(&value)); err != nil {
					log.Fatal(err)
				}
				calls.Add(1)
			}
		})
	}
	done.Wait()
	return calls.Load(), time.Since(start)
}
