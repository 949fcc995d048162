package org.backpack4j.samediff.internal.execution.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.backpack4j.samediff.internal.execution.run.Call;
import org.backpack4j.samediff.internal.execution.run.Native;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOpsHolder;

@EnabledOnOs(OS.LINUX)
class OpenMpTest {
  /** In a thread of its own, which has OpenMP make others for it. */
  @Test
  void threadsGoAndComeBack() throws Exception {
    ExecutorService thread = Executors.newSingleThreadExecutor();
    try {
      thread.submit(this::goAndComeBack).get();
    } finally {
      thread.shutdown();
    }
  }

  private Void goAndComeBack() throws IOException {
    INDArray a = Nd4j.rand(DataType.FLOAT, 300, 300);
    NativeOpsHolder.getInstance().getDeviceNativeOps().setOmpNumThreads(3); // of this thread's ops
    Set<Path> before = threads();
    INDArray product = Nd4j.create(DataType.FLOAT, 300, 300);
    Call matmul = Native.bound(Native.matmul(false, false, 0), a, a, product);
    matmul.run();
    INDArray first = product.dup();
    Set<Path> made = threads();
    made.removeAll(before);
    assertThat(made).hasSizeGreaterThanOrEqualTo(2);
    OpenMp.release();
    assertThat(threads()).doesNotContainAnyElementsOf(made);
    OpenMp.release();
    matmul.run();
    assertThat(product).isEqualTo(first);
    return null;
  }

  private static Set<Path> threads() throws IOException {
    try (Stream<Path> threads = Files.list(Path.of("/proc/self/task"))) {
      return threads.collect(Collectors.toCollection(HashSet::new));
    }
  }
}
