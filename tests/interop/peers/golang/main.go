// A process of a cluster of golang/groupcache.
package main

import (
	"context"
	"net/http"

	"interop/node"

	"github.com/golang/groupcache"
)

type library struct {
	pool *groupcache.HTTPPool
}

func main() {
	node.Run(func(self string) node.Library {
		return &library{groupcache.NewHTTPPoolOpts(self, nil)}
	})
}

func (l *library) ServeHTTP(w http.ResponseWriter, r *http.Request) { l.pool.ServeHTTP(w, r) }

func (l *library) NewGroup(name string, load node.Load) {
	groupcache.NewGroup(name, 64<<20, groupcache.GetterFunc(
		func(_ context.Context, key string, dest groupcache.Sink) error {
			value, err := load(key)
			if err != nil {
				return err
			}
			return dest.SetBytes(value.Bytes)
		},
	))
}

func (l *library) Join(peers []string) { l.pool.Set(peers...) }

func (l *library) Follow(owner string) { l.pool.Set(owner) }

func (l *library) Get(ctx context.Context, group, key string) (value node.Value, err error) {
	err = groupcache.GetGroup(group).Get(ctx, key, groupcache.AllocatingByteSliceSink(&value.Bytes))
	return value, err
}

func (l *library) Set(context.Context, string, string, node.Value) error { return node.ErrUnknown }

func (l *library) Remove(context.Context, string, string) error { return node.ErrUnknown }

func (l *library) KindOf(error) string { return "" }
