#pragma once
// Folders that hold a data set for video object segmentation, as DAVIS and SA-V have them:
//
//   ROOT/Annotations/480p/SEQUENCE/00000.png        DAVIS: a label image of all objects; 480p may be missing
//   ROOT/Annotations_6fps/SEQUENCE/000/00000.png    SA-V: an image for each object, what is not 0 is the object
//   ROOT/JPEGImages/480p/SEQUENCE/00000.jpg         the frames; SA-V: JPEGImages_24fps
//
// Frames are taken in natural order: 2 before 10, and 00002 before 00010. An annotation belongs to the frame of its
// name. A frame may be without, and the images may be missing where no model is to see them.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "media/palette_png.h"

namespace samc {

// PNGs of one folder. In predictions they lie in the folder of the same name.
struct VosAnnotations {
  std::string folder;               // below Annotations: "SEQUENCE" or "SEQUENCE/000"
  std::optional<int> object;        // of SA-V's folders; absent: the pixels are numbers of objects
  std::vector<std::string> frames;  // names without ".png"; at least one
};

struct VosSequence {
  std::string name;
  std::string image_folder;                 // path
  std::vector<std::string> images;          // file names; empty: there are none
  std::vector<VosAnnotations> annotations;  // one, or one for each object
};

struct VosDataset {
  std::string annotation_root;  // path
  std::vector<VosSequence> sequences;
};

// names: of the sequences to take; empty: all that have annotations, by name. Errors: no such folder, no Annotations in
// it, no sequences, none of a name, a sequence without annotations, object folders that are not numbered.
Result<VosDataset> open_vos_dataset(const std::string& root, std::span<const std::string> names = {});

// PATH/FOLDER/FRAME.png
std::string label_path(const std::string& root, const VosAnnotations& annotations, const std::string& frame);
// The labels of one frame: as stored, or with an object 1 where the file is not 0. Errors: no such file, no palette
// PNG; of one object: several numbers in it.
Result<PaletteImage> read_labels(const std::string& root, const VosAnnotations& annotations, const std::string& frame);

}  // namespace samc
