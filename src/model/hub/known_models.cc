#include <array>

#include "model/hub/hub.h"

namespace amanuensis::model {
namespace {

constexpr std::array<KnownModel, 22> kKnownModels{{
    {"tiny", "openai/whisper-tiny", "39 M parameters, 99 languages", 155},
    {"tiny.en", "openai/whisper-tiny.en", "39 M parameters, English only", 155},
    {"base", "openai/whisper-base", "74 M parameters, 99 languages", 295},
    {"base.en", "openai/whisper-base.en", "74 M parameters, English only", 295},
    {"small", "openai/whisper-small", "244 M parameters, 99 languages", 970},
    {"small.en", "openai/whisper-small.en", "244 M parameters, English only", 970},
    {"medium", "openai/whisper-medium", "769 M parameters, 99 languages", 3060},
    {"medium.en", "openai/whisper-medium.en", "769 M parameters, English only", 3060},
    {"large-v1", "openai/whisper-large", "1550 M parameters, 99 languages", 6180},
    {"large-v2", "openai/whisper-large-v2", "1550 M parameters, 99 languages", 6180},
    {"large-v3", "openai/whisper-large-v3", "1550 M parameters, 100 languages", 3095},
    {"large", "openai/whisper-large-v3", "the same as large-v3", 3095},
    {"large-v3-turbo", "openai/whisper-large-v3-turbo", "809 M parameters, 100 languages, no translation", 1625},
    {"turbo", "openai/whisper-large-v3-turbo", "the same as large-v3-turbo", 1625},
    {"distil-small.en", "distil-whisper/distil-small.en", "166 M parameters, English only", 340},
    {"distil-medium.en", "distil-whisper/distil-medium.en", "394 M parameters, English only", 795},
    {"distil-large-v2", "distil-whisper/distil-large-v2", "756 M parameters, English", 1520},
    {"distil-large-v3", "distil-whisper/distil-large-v3", "756 M parameters, English", 1520},
    {"distil-large-v3.5", "distil-whisper/distil-large-v3.5", "756 M parameters, English", 1520},
    {"silero-vad", "mlx-community/silero-vad-v6", "voice activity: --vad-filter", 1, ModelKind::kVoiceActivity},
    {"pyannote-segmentation-3.0", "pyannote/segmentation-3.0", "who speaks: --diarize; gated: needs HF_TOKEN", 6,
     ModelKind::kSpeakerSegmentation},
    {"wespeaker-voxceleb-resnet34-LM", "pyannote/wespeaker-voxceleb-resnet34-LM", "voices: --diarize", 27,
     ModelKind::kSpeakerEmbedding},
}};

}  // namespace

std::span<const KnownModel> known_models() { return kKnownModels; }

}  // namespace amanuensis::model
