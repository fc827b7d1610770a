"""The READMEs' blocks in both languages: what stands in braces is a number, or a row of them, from report.py."""

ENGLISH = {
    "summary": "Test accuracy **{today_accuracy}** (mean ± standard deviation of {today_n} runs), after"
               " {today_seconds} seconds (median) of training on {today_hardware}.",

    "worth": "its mean test error is {today_error}%, that of the paper's own network, trained as the paper trained it,"
             " {sdlm_error}%",

    "results": """\
| # | Keras | TensorFlow | Python | Hardware | Training time (s) | Test loss | Test accuracy |
|---|---|---|---|---|---|---|---|
{results}""",

    "excerpt": "```\n{excerpt}\n```",

    "series": """\
| runs (mean ± standard deviation) | n | test accuracy | test loss | misclassified of 10,000 |
|---|---|---|---|---|
| Keras {today_keras}, seeds {today_first} to {today_last} | {today_n} | {today_results} |
| Keras {then_keras}, seeds {then_first} to {then_last} | {then_n} | {then_results} |
| published | 1 | {published_accuracy} | {published_loss} | {published_wrong} |""",

    "equality": "The mean accuracy on Keras {today_keras} minus that on Keras {then_keras} is {difference} percentage"
                " points (95% interval {low} to {high}, Welch's t). {verdict} A single run, such as II or III, is one"
                " draw from the spread over seeds. The test set has an error of its own, which more seeds do"
                " not reduce: with 10,000 digits, the standard error of an accuracy of {today_mean} is {test_error}"
                " points.",
    "equal": "Two one-sided tests show that the means are equal within {margin} points (p {p_low} and p {p_high}).",
    "not equal": "Two one-sided tests do not show that the means are equal within {margin} points (p {p_low} and"
                 " p {p_high}).",

    "rank": """\
| last epoch | published | range of {today_n} runs | runs below | equal | above |
|---|---|---|---|---|---|
| training loss | {rank_loss} |
| training accuracy | {rank_accuracy} |
| test loss | {rank_val_loss} |
| test accuracy | {rank_val_accuracy} |""",

    "tolerances": "Today's stack, accelerated or not, agrees with them: the outputs differ by at most {outputs}."
                  " Relative to an array's norm, the gradients differ by at most {gradients}; after {steps} steps, the"
                  " weights by at most {weights} and Adadelta's accumulators by at most {averages}.",

    "race": "The first training step was repeated {race_n} times from the same weights, on {race_hardware}. In"
            " {race_off} of these, the update of some layer differed from the one computed in order by more than"
            " {race_limit}% of its norm, in the worst case by {race_worst}%: C1's in {race_C1}, C3's in {race_C3}, C5's"
            " in {race_C5}, F6's in {race_F6}, the output layer's in {race_Output}. When control dependencies made"
            " every update wait for all gradients, {ordered_off} of {ordered_n} differed so.",
    "racing": "{racing_n} whole runs with racing updates reached a test accuracy of {racing_accuracy} and a test loss of"
              " {racing_loss} (mean ± standard deviation), the {then_n} that do one operation at a time {then_accuracy}"
              " and {then_loss}. Racing minus ordered is {racing_more_accuracy} percentage points of accuracy (95%"
              " interval {racing_low_accuracy} to {racing_high_accuracy}, Welch's t) and {racing_more_loss} of loss"
              " ({racing_low_loss} to {racing_high_loss}).",

    "parameters": """\
| parameters | C1 | SP2 | C3 | SP4 | C5 | F6 | Output | all |
|---|---|---|---|---|---|---|---|---|
| here | {parameters} |
| paper (trainable) | {paper_parameters} |""",

    "paper": "The paper reports a test error of {paper_error}% without distortions of the training set and"
             " {paper_distorted}% with; the mean of the {today_n} runs here is {today_error}%.",

    "departures": """\
| taken back | n | test error, %: mean ± standard deviation \
| difference from the first row, points [95% interval] | parameters |
|---|---|---|---|---|
{departures}""",

    "benchmark": """\
| | {epochs} epochs with tests, s: median (range) | times ours, median | test accuracy, median | first batch after, s \
| longest gap between batches, s | whole process, s | peak memory, MB |
|---|---|---|---|---|---|---|---|
{benchmark}""",

    "speed": "{rounds} rounds on {benchmark_hardware}. Every contestant runs once a round, in a process of its own, and"
             " ratios are taken within a round. These times span less than the training time above. Plain `fit` takes"
             " {plain_ratio} times as long as `lenet5.py`, the fastest peer ({peer}) {peer_ratio} times. The"
             " arithmetic alone, three forward passes for training and one for tests, at the rate of large matrix"
             " products ({rate} GFLOP/s), would take {arithmetic_ratio} of our time. `lenet5.py` reports once in"
             " {steps_per_execution} batches: its first batch is the end of the first {steps_per_execution}, its"
             " longest gap one between two reports.",
    "compilation": "Compiling took PyTorch {compilation} s, before the epochs; only its first batch and its whole"
                   " process include that.",

    "gpu": "This project measured no GPU.",
}

ENGLISH_NAMES = {
    "lenet5.py": "`lenet5.py`", "plain Keras 3 fit(x, y)": "plain Keras 3 `fit(x, y)`",
    "PyTorch, eager": "PyTorch {version}, eager", "PyTorch, compiled": "PyTorch {version}, compiled",
    "JAX, jitted": "JAX {version}, jitted", "the published stack of 2018": "the 2018 stack, with its own threads",
    "the arithmetic alone": "the arithmetic alone",

    "none": "none (the published variant)", "tanh": "1.7159 tanh(2x/3) instead of ReLU",
    "subsampling": "trainable subsampling and squashing instead of plain averages",
    "table": "Table I's connections in C3 instead of all", "f6": "84 units in F6 instead of 128",
    "rbf": "84 units, and radial basis outputs with equation 9 instead of softmax and cross-entropy",
    "no-dropout": "no dropout", "inputs": "inputs in [−0.1, 1.175] instead of [0, 1]",
    "sgd": "plain gradient descent by single patterns instead of Adadelta in batches",
    "paper": "all but the training: the paper's network",
    "paper-sdlm": "all: the paper's network, trained as in the paper",
}

CHINESE = {
    "summary": "测试准确率 **{today_accuracy}**（{today_n} 次运行的均值 ± 标准差），在 {today_hardware} 上训练用时"
               " {today_seconds} 秒（中位数）。",

    "worth": "其平均测试错误率为 {today_error}%，论文原来的网络按论文的方法训练则为 {sdlm_error}%",

    "results": """\
| 编号 | Keras | TensorFlow | Python | 硬件 | 训练时间（秒） | 测试损失 | 测试准确率 |
|---|---|---|---|---|---|---|---|
{results}""",

    "excerpt": ENGLISH["excerpt"],

    "series": """\
| 各组运行（均值 ± 标准差） | 运行次数 | 测试准确率 | 测试损失 | 误判数（共 10,000 张） |
|---|---|---|---|---|
| Keras {today_keras}，种子 {today_first} 至 {today_last} | {today_n} | {today_results} |
| Keras {then_keras}，种子 {then_first} 至 {then_last} | {then_n} | {then_results} |
| 公布值 | 1 | {published_accuracy} | {published_loss} | {published_wrong} |""",

    "equality": "Keras {today_keras} 与 Keras {then_keras} 上的平均准确率之差（前者减后者）为 {difference} 个百分点（95% 置信区间为"
                " {low} 至 {high}，由 Welch t 检验得出）。{verdict}单次运行（如 II、III）只是从种子间的波动中抽取的一次结果。"
                "测试集本身也会带来误差，增加种子数并不能减小这一误差：测试集只有一万张，单次比较的精度有限，"
                "准确率为 {today_mean} 时标准误为 {test_error} 个百分点。",
    "equal": "双单侧检验（TOST）表明两者均值之差在 ±{margin} 个百分点以内（两个单侧检验：p {p_low}，p {p_high}）。",
    "not equal": "双单侧检验（TOST）未能表明两者均值之差在 ±{margin} 个百分点以内（两个单侧检验：p {p_low}，p {p_high}）。",

    "rank": """\
| 最后一轮的指标 | 公布值 | {today_n} 次运行的范围 | 低于公布值（次） | 等于（次） | 高于（次） |
|---|---|---|---|---|---|
| 训练损失 | {rank_loss} |
| 训练准确率 | {rank_accuracy} |
| 测试损失 | {rank_val_loss} |
| 测试准确率 | {rank_val_accuracy} |""",

    "tolerances": "当前环境（无论是否加速）的计算结果与之相符：输出的误差在 {outputs} 以内；相对于各数组的范数，梯度的误差在 {gradients} 以内，"
                  "{steps} 步之后权重在 {weights} 以内，Adadelta 的累加器在 {averages} 以内。",

    "race": "在 {race_hardware} 上，从相同的权重出发，把第一步训练重复 {race_n} 次，以按顺序计算的更新量为基准：有 {race_off} 次至少一层的偏差"
            "超过基准范数的 {race_limit}%，最大达 {race_worst}%。各层超过的次数为：C1 {race_C1}，C3 {race_C3}，C5 {race_C5}，F6 {race_F6}，"
            "输出层 {race_Output}。加上控制依赖，让所有更新都等全部梯度算完再进行，{ordered_n} 次中超过的有 {ordered_off} 次。",
    "racing": "存在竞态的 {racing_n} 次完整运行，测试准确率为 {racing_accuracy}，测试损失为 {racing_loss}（均值 ± 标准差）；一次只执行一个操作的"
              " {then_n} 次运行为 {then_accuracy} 与 {then_loss}。前者减后者，准确率相差 {racing_more_accuracy} 个百分点（95% 置信区间为"
              " {racing_low_accuracy} 至 {racing_high_accuracy}，由 Welch t 检验得出），损失相差 {racing_more_loss}"
              "（{racing_low_loss} 至 {racing_high_loss}）。",

    "parameters": """\
| 参数量 | C1 | SP2 | C3 | SP4 | C5 | F6 | 输出 | 合计 |
|---|---|---|---|---|---|---|---|---|
| 本项目 | {parameters} |
| 论文（可训练） | {paper_parameters} |""",

    "paper": "论文报告的测试错误率：不使用变形增强时为 {paper_error}%，使用时为 {paper_distorted}%；本项目 {today_n} 次运行的均值为"
             " {today_error}%。",

    "departures": """\
| 改回论文的做法 | 运行次数 | 测试错误率（%）：均值 ± 标准差 | 与首行之差（百分点，[95% 置信区间]） | 参数量 |
|---|---|---|---|---|
{departures}""",

    "benchmark": """\
| 实现 | {epochs} 轮训练与测试用时（秒）：中位数（范围） | 用时倍数（本项目为 1），中位数 | 测试准确率，中位数 | 启动至首个批次完成（秒） \
| 批次间最长间隔（秒） | 整个进程用时（秒） | 内存峰值（MB） |
|---|---|---|---|---|---|---|---|
{benchmark}""",

    "speed": "在 {benchmark_hardware} 上重复 {rounds} 次；每次重复中各实现依次运行，各用一个独立进程，倍数在同一次重复内计算。"
             "这里的计时范围小于上文的训练时间。"
             "原生 `fit` 的用时是 `lenet5.py` 的 {plain_ratio} 倍，其他框架中最快的（{peer}）为 {peer_ratio} 倍。"
             "若只计算术运算（训练按三次前向计算计，测试按一次），按大矩阵乘法的速率（{rate} GFLOP/s）折算，"
             "只需 `lenet5.py` 用时的 {arithmetic_ratio} 倍。"
             "`lenet5.py` 每 {steps_per_execution} 个批次才报告一次，因此它的这两列是前 {steps_per_execution}"
             " 个批次完成的时刻，以及相邻两次报告的最长间隔。",
    "compilation": "PyTorch 编译用时 {compilation} 秒，不计入各轮的用时，但计入首个批次的完成时刻和整个进程的用时。",

    "gpu": "本项目未在 GPU 上测量。",
}

CHINESE_NAMES = {
    "lenet5.py": "`lenet5.py`", "plain Keras 3 fit(x, y)": "原生 Keras 3 `fit(x, y)`",
    "PyTorch, eager": "PyTorch {version}，eager 模式", "PyTorch, compiled": "PyTorch {version}，编译模式",
    "JAX, jitted": "JAX {version}，jit 编译", "the published stack of 2018": "2018 年的环境，默认线程设置",
    "the arithmetic alone": "仅算术运算",

    "none": "无（2022 年的变体）", "tanh": "激活函数改回 1.7159 tanh(2x/3)",
    "subsampling": "平均池化改回可训练的下采样加挤压函数",
    "table": "C3 的连接改回论文表 I", "f6": "F6 改回 84 个单元",
    "rbf": "F6 改回 84 个单元，输出改回径向基函数，损失改回式 (9)",
    "no-dropout": "去掉 dropout", "inputs": "输入取值改回 [−0.1, 1.175]",
    "sgd": "Adadelta 换成逐样本的普通梯度下降",
    "paper": "除训练方法外全部改回：论文的网络", "paper-sdlm": "全部改回：论文的网络，按论文的方法训练",
}
