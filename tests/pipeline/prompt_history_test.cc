#include "pipeline/prompt_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace amanuensis::pipeline {
namespace {

using model::TokenId;
using testing::ElementsAre;
using testing::IsEmpty;

void say(PromptHistory& history, const std::vector<TokenId>& tokens) { history.append(tokens); }

TEST(PromptHistory, GrowsAndForgets) {
  PromptHistory history({1, 2}, false, 448);
  EXPECT_THAT(history.prompt(), ElementsAre(1, 2));
  say(history, {3, 4});
  EXPECT_THAT(history.prompt(), ElementsAre(1, 2, 3, 4));
  history.forget();
  EXPECT_THAT(history.prompt(), IsEmpty()) << "the initial prompt is forgotten too";
  say(history, {5});
  EXPECT_THAT(history.prompt(), ElementsAre(5));
  EXPECT_THAT(history.transcript(), ElementsAre(3, 4, 5));
}

TEST(PromptHistory, ACarriedPromptStaysBeforeWhatFits) {
  PromptHistory history({1, 2}, true, 12);  // half the context less one: 5 tokens, 3 beside the prompt
  say(history, {3, 4, 5, 6});
  EXPECT_THAT(history.prompt(), ElementsAre(1, 2, 4, 5, 6));
  history.forget();
  EXPECT_THAT(history.prompt(), ElementsAre(1, 2));
  say(history, {7});
  EXPECT_THAT(history.prompt(), ElementsAre(1, 2, 7));
}

TEST(PromptHistory, ACarriedPromptThatFillsTheRoomIsSlicedAsInTheReference) {
  PromptHistory exact({1, 2, 3, 4, 5}, true, 12);  // Python's [-0:] is everything
  say(exact, {6, 7});
  EXPECT_THAT(exact.prompt(), ElementsAre(1, 2, 3, 4, 5, 6, 7));
  PromptHistory longer({1, 2, 3, 4, 5, 6}, true, 12);  // Python's [1:]
  say(longer, {7, 8});
  EXPECT_THAT(longer.prompt(), ElementsAre(1, 2, 3, 4, 5, 6, 8));
}

}  // namespace
}  // namespace amanuensis::pipeline
