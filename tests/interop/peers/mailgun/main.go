// A process of a cluster of mailgun/groupcache.
package main

import (
	"context"
	"errors"
	"net/http"

	"interop/node"

	"github.com/mailgun/groupcache/v2"
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
			if errors.Is(err, node.ErrNotFound) {
				return &groupcache.ErrNotFound{Msg: err.Error()}
			}
			if err != nil {
				return err
			}
			return dest.SetBytes(value.Bytes, value.Expire)
		},
	))
}

func (l *library) Join(peers []string) { l.pool.Set(peers...) }

func (l *library) Follow(owner string) { l.pool.Set(owner) }

func (l *library) Get(ctx context.Context, group, key string) (node.Value, error) {
	var view groupcache.ByteView
	err := groupcache.GetGroup(group).Get(ctx, key, groupcache.ByteViewSink(&view))
	return node.Value{Bytes: view.ByteSlice(), Expire: view.Expire()}, err
}

func (l *library) Set(ctx context.Context, group, key string, value node.Value) error {
	return groupcache.GetGroup(group).Set(ctx, key, value.Bytes, value.Expire, false)
}

func (l *library) Remove(ctx context.Context, group, key string) error {
	return groupcache.GetGroup(group).Remove(ctx, key)
}

func (l *library) KindOf(err error) string {
	switch {
	case errors.Is(err, &groupcache.ErrNotFound{}):
		return "not-found"
	case errors.Is(err, &groupcache.ErrRemoteCall{}):
		return "remote"
	}
	return ""
}
