#include "model/checkpoint/huggingface.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "model/checkpoint/checkpoint.h"

namespace amanuensis::model {
namespace {

TEST(HuggingFace, OpensTheBundledModel) {
  const Checkpoint checkpoint = open_checkpoint(std::filesystem::path(AMANUENSIS_SOURCE_DIR) / "models" / "demo");
  EXPECT_EQ(checkpoint.format, "safetensors");
  EXPECT_EQ(checkpoint.dims.n_mels, 80u);
  EXPECT_TRUE(checkpoint.generation.is_multilingual);
  EXPECT_FALSE(checkpoint.generation.suppress_tokens.empty());
  EXPECT_TRUE(checkpoint.has("decoder.blocks.0.cross_attn.key.weight"));
  const std::size_t state = checkpoint.dims.n_audio_state;
  EXPECT_EQ(checkpoint.vector("encoder.ln_post.weight", state).size(), state);
}

}  // namespace
}  // namespace amanuensis::model
