// A process of a cluster of groupcache/groupcache-go.
package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"interop/node"

	"github.com/groupcache/groupcache-go/v3"
	"github.com/groupcache/groupcache-go/v3/transport"
	"github.com/groupcache/groupcache-go/v3/transport/peer"
)

type library struct {
	self      string
	transport *transport.HttpTransport
	instance  *groupcache.Instance
	groups    map[string]groupcache.Group
}

func main() {
	node.Run(func(self string) node.Library {
		t := transport.NewHttpTransport(transport.HttpTransportOptions{})
		return &library{
			self:      addressOf(self),
			transport: t,
			instance:  groupcache.New(groupcache.Options{Transport: t, Logger: slog.Default()}),
			groups:    make(map[string]groupcache.Group),
		}
	})
}

func (l *library) ServeHTTP(w http.ResponseWriter, r *http.Request) { l.transport.ServeHTTP(w, r) }

func (l *library) NewGroup(name string, load node.Load) {
	group, err := l.instance.NewGroup(name, 64<<20, groupcache.GetterFunc(
		func(_ context.Context, key string, dest transport.Sink) error {
			value, err := load(key)
			if errors.Is(err, node.ErrNotFound) {
				return &transport.ErrNotFound{Msg: err.Error()}
			}
			if err != nil {
				return err
			}
			return dest.SetBytes(value.Bytes, value.Expire)
		},
	))
	if err != nil {
		panic(err)
	}
	l.groups[name] = group
}

func (l *library) Join(peers []string) {
	var infos []peer.Info
	for _, url := range peers {
		address := addressOf(url)
		infos = append(infos, peer.Info{Address: address, IsSelf: address == l.self})
	}
	l.setPeers(infos)
}

// Follow gives the owner's address to this process first, because the list must hold it, and then
// to the owner, who takes all of its points.
func (l *library) Follow(owner string) {
	address := addressOf(owner)
	infos := []peer.Info{{Address: address, IsSelf: true}}
	if address != l.self {
		infos = append(infos, peer.Info{Address: address})
	}
	l.setPeers(infos)
}

func (l *library) setPeers(infos []peer.Info) {
	if err := l.instance.SetPeers(context.Background(), infos); err != nil {
		panic(err)
	}
}

func (l *library) Get(ctx context.Context, group, key string) (node.Value, error) {
	var view transport.ByteView
	err := l.groups[group].Get(ctx, key, transport.ByteViewSink(&view))
	return node.Value{Bytes: view.ByteSlice(), Expire: view.Expire()}, err
}

func (l *library) Set(ctx context.Context, group, key string, value node.Value) error {
	return l.groups[group].Set(ctx, key, value.Bytes, value.Expire, false)
}

func (l *library) Remove(ctx context.Context, group, key string) error {
	return l.groups[group].Remove(ctx, key)
}

func (l *library) KindOf(err error) string {
	switch {
	case errors.Is(err, &transport.ErrNotFound{}):
		return "not-found"
	case errors.Is(err, &transport.ErrRemoteCall{}):
		return "remote"
	}
	return ""
}

func addressOf(url string) string { return strings.TrimPrefix(url, "http://") }
