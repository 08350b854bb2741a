#include "target/container_id.h"

#include <gtest/gtest.h>

#include <string>

namespace loopscope {
namespace {

const std::string kId = "1f0c8b7a6d5e4c3b2a19081726354453627180f9e8d7c6b5a49382716f5e4d3c";
const std::string kOther = "feedfacefeedfacefeedfacefeedfacefeedfacefeedfacefeedfacefeedface";
const std::string kUid = "74c13223-5a00-11e9-b385-42010a80018d";
const std::string kSlice = "kubepods-burstable-pod74c13223_5a00_11e9_b385_42010a80018d.slice";
const std::string kHash = "33d556edd3ae8ef21980288cef77ae8b";

const ContainerId kAlone{kId, ""};
const ContainerId kInPod{kId, kUid};

TEST(ContainerId, OfKubernetesGroups) {
  const std::string slices = "/kubepods.slice/kubepods-burstable.slice/" + kSlice;
  for (const std::string& path : {
           slices + "/cri-containerd-" + kId + ".scope",
           slices + "/crio-" + kId + ".scope",
           slices + "/crio-" + kId + ".scope/container",
           slices + "/docker-" + kId + ".scope",
           slices + "/" + kId,
           "/kubelet.slice/kubelet-kubepods.slice/kubelet-" + kSlice + "/cri-containerd-" + kId +
               ".scope",
           "/kubepods.slice/kubepods-pod74c13223_5a00_11e9_b385_42010a80018d.slice/crio-" + kId +
               ".scope",
           "/kubepods/pod" + kUid + "/" + kId,
           "/kubepods/burstable/pod" + kUid + "/" + kId,
           "/kubepods/besteffort/pod" + kUid + "/crio-" + kId,
           "/system.slice/containerd.service/" + kSlice + ":cri-containerd:" + kId,
           "/k8s.io/kubepods/besteffort/pod" + kUid + "/" + kId + "/init.scope/app",
       }) {
    EXPECT_EQ(container_of_group(path), kInPod) << path;
  }
}

TEST(ContainerId, OfOtherRuntimesGroups) {
  for (const std::string& path : {
           "/docker/" + kId,
           "/docker/" + kId + "/system.slice/app.service",
           "/system.slice/docker-" + kId + ".scope",
           "/system.slice/nerdctl-" + kId + ".scope",
           "/machine.slice/libpod-" + kId + ".scope/container",
           "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + kId + ".scope",
           "/machine.slice/machine-libpod_pod_" + kOther + ".slice/libpod-" + kId + ".scope",
           "/ecs/74c13223-5a00-11e9-b385-42010a80018d/" + kId,
           "/ecstasks.slice/ecstasks-" + kHash + ".slice/docker-" + kId + ".scope",
           "/default/" + kId,
           "/" + kId,
       }) {
    EXPECT_EQ(container_of_group(path), kAlone) << path;
  }
}

TEST(ContainerId, SeenFromAnotherCgroupNamespace) {
  EXPECT_EQ(container_of_group("/../../" + kSlice + "/cri-containerd-" + kId + ".scope"), kInPod);
  EXPECT_EQ(container_of_group("/../../../kubepods-besteffort.slice/" + kSlice + "/crio-" + kId +
                               ".scope/container"),
            kInPod);
  EXPECT_EQ(container_of_group("/../../pod" + kUid + "/" + kId), kInPod);
  // In the pod of the one who looks, the pod is not visible.
  EXPECT_EQ(container_of_group("/../cri-containerd-" + kId + ".scope"), kAlone);
  EXPECT_EQ(container_of_group("/../" + kId), kAlone);
  EXPECT_EQ(container_of_group("/.."), std::nullopt);
}

TEST(ContainerId, PodsFromFilesHaveAHashForAUid) {
  EXPECT_EQ(container_of_group("/kubepods/burstable/pod" + kHash + "/" + kId),
            (ContainerId{kId, kHash}));
  EXPECT_EQ(container_of_group("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" +
                               kHash + ".slice/cri-containerd-" + kId + ".scope"),
            (ContainerId{kId, kHash}));
}

TEST(ContainerId, WhatIsMadeInsideAContainerDoesNotCount) {
  EXPECT_EQ(container_of_group("/docker/" + kId + "/docker/" + kOther), kAlone);
  EXPECT_EQ(container_of_group("/docker/" + kId + "/kubepods/pod" + kUid + "/" + kOther), kAlone);
  EXPECT_EQ(container_of_group("/kubepods/pod" + kUid + "/" + kId + "/pod" + kHash + "/" + kOther),
            kInPod);
  EXPECT_EQ(container_of_group("/kubepods/pod" + kUid + "/pod" + kHash + "/" + kId), kInPod);
}

TEST(ContainerId, NoContainer) {
  for (const std::string& path : {
           std::string(),
           std::string("/"),
           std::string("/init.scope"),
           std::string("/user.slice/user-1000.slice/session-3.scope"),
           std::string("/system.slice/kubelet.service"),
           std::string("/lxc.payload.web"),
           "/kubepods.slice/kubepods-burstable.slice/" + kSlice,
           "/kubepods/besteffort/pod" + kUid,
           "/machine.slice/machine-libpod_pod_" + kId + ".slice",
           "/machine.slice/libpod-conmon-" + kId + ".scope",
           "/system.slice/crio-conmon-" + kId + ".scope",
           "/process_api/" + kHash,
           "/docker/" + kId.substr(1),
           "/docker/0" + kId,
           "/docker/x" + kId.substr(1),
           "/docker/" + kId + "0.scope",
           "/docker/" + kId + ".slice",
           "/docker/F" + kId.substr(1),
           "/docker-" + kId + ".scope.d",
       }) {
    EXPECT_EQ(container_of_group(path), std::nullopt) << path;
  }
}

TEST(ContainerId, WhatOnlyLooksLikeAPodIsNone) {
  for (const std::string& part :
       {"pod" + kUid.substr(1), "pod" + kUid + "0", "xpod" + kUid, "pod" + kHash + "0",
        std::string("pod74c132235-a00-11e9-b385-42010a80018d"), "pod_" + kHash, std::string("pods"),
        std::string("pod"), "pod" + kUid + ".scope"}) {
    EXPECT_EQ(container_of_group("/" + part + "/" + kId), kAlone) << part;
  }
}

TEST(ContainerId, OfAProcess) {
  const auto of = [](const std::string& text) {
    return container_of(parse_cgroup_membership(text));
  };
  EXPECT_EQ(of("0::/kubepods/pod" + kUid + "/" + kId + "\n"), kInPod);
  EXPECT_EQ(
      of("12:cpuset:/\n11:name=systemd:/docker/" + kId + "\n0::/system.slice/containerd.service\n"),
      kAlone);
  EXPECT_EQ(of("5:devices:/docker/" + kOther + "\n0::/kubepods/pod" + kUid + "/" + kId + "\n"),
            kInPod);
  EXPECT_EQ(of("4:cpu,cpuacct:/kubepods/pod" + kUid + "/" + kId + "\n3:cpuset:/docker/" + kOther),
            kInPod);
  EXPECT_EQ(of("0::/docker/" + kId + " (deleted)\n"), kAlone);
  EXPECT_EQ(of("1:name=systemd:/init.scope\n0::/init.scope\n"), std::nullopt);
  EXPECT_EQ(of(kId), std::nullopt);
  EXPECT_EQ(of(""), std::nullopt);
}

}  // namespace
}  // namespace loopscope
