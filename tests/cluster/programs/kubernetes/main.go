// Every program of a Kubernetes of one node, and its kubectl, in one file: they share most of
// their code, and linking them one by one takes long. The name it is called by says which one.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

func command(program string) *cobra.Command {
	switch program {
	case "kube-apiserver":
		return apiserver.NewAPIServerCommand()
	case "kube-controller-manager":
		return controllers.NewControllerManagerCommand()
	case "kube-scheduler":
		return scheduler.NewSchedulerCommand()
	case "kube-proxy":
		return proxy.NewProxyCommand()
	case "kubelet":
		return kubelet.NewKubeletCommand(context.Background())
	case "kubectl":
		return kubectl.NewDefaultKubectlCommand()
	}
	return nil
}

func main() {
	program := filepath.Base(os.Args[0])
	if program == "etcd" {
		etcdmain.Main(os.Args)
		return
	}
	chosen := command(program)
	if chosen == nil {
		fmt.Fprintf(os.Stderr, "%s: no program of that name is in here\n", program)
		os.Exit(2)
	}
	if program == "kubectl" {
		// It has printed its errors itself.
		if cli.RunNoErrOutput(chosen) != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(cli.Run(chosen))
}
